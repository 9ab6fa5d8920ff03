/**
 * The words of the page in the reader's language: texts from the catalogues, money and times by Intl.
 */

import { keep, kept } from "../transport/keep.js";
import en from "./en.js";
import ru from "./ru.js";
import zh from "./zh.js";

/** @typedef {"en" | "zh" | "ru"} Language */
/** @typedef {keyof typeof en} Key */

/** @type {Record<Language, Record<string, string | Record<string, string>>>} */
const CATALOGUES = { en, zh, ru };
/** @type {Record<Language, string>} each in its own words */
export const LANGUAGES = { en: "English", zh: "中文", ru: "Русский" };
/** @type {Record<Language, string>} what Intl is told; English with the 24 hours that the road keeps */
const LOCALES = { en: "en-GB", zh: "zh-CN", ru: "ru" };

/** @type {Set<() => void>} */
const listeners = new Set();
/** @type {Language} */
let current = chosen();
tellDocument();

/** @returns {Language} the one chosen before, else the first of the browser's that we speak */
function chosen() {
  const wishes = [kept("local", "language"), ...(globalThis.navigator?.languages ?? [])];
  for (const wish of wishes) {
    const language = String(wish ?? "").slice(0, 2).toLowerCase();
    if (language in CATALOGUES) return /** @type {Language} */ (language);
  }
  return "en";
}

function tellDocument() {
  if (globalThis.document) document.documentElement.lang = current === "zh" ? "zh-CN" : current;
}

export const language = () => current;

/** @param {Language} wish */
export function speak(wish) {
  if (wish === current || !(wish in CATALOGUES)) return;
  current = wish;
  keep("local", "language", wish);
  tellDocument();
  for (const listener of listeners) listener();
}

/**
 * @param {() => void} listener
 * @returns {() => void} stops listening
 */
export function onLanguage(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/**
 * The text of a key; `{name}` is filled from `values`, and a text in plural forms is chosen by `n`.
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const found = CATALOGUES[current][key];
  const pattern = typeof found === "string" ? found : pluralOf(found, Number(values.n));
  return pattern.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? number(value) : String(value ?? "");
  });
}

/**
 * @param {string} key
 * @returns {key is Key}
 */
export function isKey(key) {
  return key in en;
}

/**
 * @param {Record<string, string>} forms
 * @param {number} n
 */
function pluralOf(forms, n) {
  return forms[new Intl.PluralRules(LOCALES[current]).select(n)] ?? forms.other;
}

/**
 * What the shop wrote, in the reader's language or the nearest there is.
 * @param {import("../types.js").Text | null | undefined} text
 */
export function said(text) {
  if (!text) return "";
  if (typeof text === "string") return text;
  return text[current] || text.en || Object.values(text).find(Boolean) || "";
}

/** @param {number} value */
export function number(value) {
  return new Intl.NumberFormat(LOCALES[current]).format(value);
}

/**
 * How many minor units a currency's unit has, as a power of ten: 2 for CNY, 0 for JPY.
 * @param {string} currency
 */
export function minorDigits(currency) {
  return new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2;
}

/**
 * @param {number} minor amount in minor units
 * @param {string} currency ISO 4217
 */
export function money(minor, currency) {
  const value = minor / 10 ** minorDigits(currency);
  const format = { style: /** @type {const} */ ("currency"), currency, currencyDisplay: /** @type {const} */ ("narrowSymbol") };
  return new Intl.NumberFormat(LOCALES[current], format).format(value);
}

/**
 * @param {number} at Unix ms
 * @param {string} [zone] IANA name; the reader's own by default
 */
export function timeOfDay(at, zone) {
  return new Intl.DateTimeFormat(LOCALES[current], { hour: "2-digit", minute: "2-digit", timeZone: zone }).format(at);
}

/**
 * "today 20:00", "tomorrow 20:00", "Fri 28 Nov, 20:00"
 * @param {number} at Unix ms
 * @param {number} now Unix ms
 */
export function dayAndTime(at, now) {
  const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
  const day =
    Math.abs(days) <= 1
      ? new Intl.RelativeTimeFormat(LOCALES[current], { numeric: "auto" }).format(days, "day")
      : new Intl.DateTimeFormat(LOCALES[current], { weekday: "short", day: "numeric", month: "short" }).format(at);
  return `${day} ${timeOfDay(at)}`;
}

/** @param {number} at */
function midnight(at) {
  return new Date(at).setHours(0, 0, 0, 0);
}

/**
 * The show's own time with its place, where it differs from the reader's: "23:00 Almaty Time"; else "".
 * @param {number} at
 * @param {string | null | undefined} zone
 */
export function thereTime(at, zone) {
  if (!zone) return "";
  try {
    if (zone === Intl.DateTimeFormat().resolvedOptions().timeZone) return "";
    const format = { hour: "2-digit", minute: "2-digit", timeZone: zone, timeZoneName: "shortGeneric" };
    return new Intl.DateTimeFormat(LOCALES[current], /** @type {any} */ (format)).format(at);
  } catch {
    return "";
  }
}
