/** The panels of `<account-security>`: what each shows, given what is known. They do nothing by themselves. */

import { dayAndTime, t } from "../strings/speak.js";
import { h } from "./dom.js";
import { icon } from "./icon.js";
import { copy } from "./secret.js";

/** @typedef {{error: string, busy: boolean}} Shared */

/**
 * Off or on, and the one question that a change of it asks.
 * @param {import("./account-security.js").Security} security
 * @param {Shared & {asks: string, choose: (asks: string) => void, answer: (text: string) => void}} now
 */
export function factorPanel(security, now) {
  const state = security.second_factor
    ? [h("p", { key: "on", class: "factor-state" }, h("span", { class: "pill good" }, t("factor.on", { when: dayAndTime(security.since ?? 0, Date.now()) })), h("span", { class: "small quiet" }, t("factor.left", { n: security.recovery_codes })))]
    : [h("p", { key: "off", class: "quiet" }, t("factor.off"))];
  return h("section", { key: "factor", class: "panel", "data-testid": "factor" }, h("h2", null, t("factor.title")), state, now.asks ? question(now) : choices(security, now));
}

/**
 * @param {import("./account-security.js").Security} security
 * @param {{choose: (asks: string) => void}} now
 */
function choices(security, { choose }) {
  const choice = (/** @type {string} */ asks, /** @type {string} */ kind, /** @type {string} */ text) => h("button", { key: asks, type: "button", class: `button ${kind}`, "data-testid": `factor-${asks}`, onclick: () => choose(asks) }, text);
  const found = security.second_factor ? [choice("renew", "", t("factor.renew")), choice("off", "stop", t("factor.end"))] : [choice("password", "accent", t("factor.begin"))];
  return h("div", { key: "choices", class: "deeds" }, found);
}

/** @param {Shared & {asks: string, choose: (asks: string) => void, answer: (text: string) => void}} now */
function question({ asks, error, busy, choose, answer }) {
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    answer(String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("answer")).trim());
  };
  const field = asks === "password" ? passwordField("factor-password", "answer", t("factor.password"), "current-password") : codeField("factor-answer", "answer", t("factor.code.any"));
  const deed = { password: t("factor.begin"), renew: t("factor.renew"), off: t("factor.end") }[asks];
  return h(
    "form",
    { key: `ask-${asks}`, class: "form", onsubmit: submit },
    field,
    wrong(error),
    h("div", { class: "deeds" }, h("button", { type: "button", class: "button", onclick: () => choose("") }, t("cancel")), h("button", { class: asks === "off" ? "button stop" : "button accent", "data-testid": "factor-answer", disabled: busy }, deed)),
  );
}

/**
 * The secret as a picture, as a link for the phone that shows this page, and in letters; then the first code.
 * @param {import("./account-security.js").Enrolment} enrolment
 * @param {Shared & {confirm: (code: string) => void, cancel: () => void}} now
 */
export function enrolPanel(enrolment, { error, busy, confirm, cancel }) {
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    confirm(String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("code")).trim());
  };
  return h(
    "section",
    { key: "enrol", class: "panel enrol", "data-testid": "enrolment" },
    h("h2", null, t("factor.scan")),
    h("img", { class: "qr", alt: t("factor.scan"), width: 208, height: 208, src: `data:image/svg+xml,${encodeURIComponent(enrolment.qr)}` }),
    h("a", { class: "button open-app", href: enrolment.otpauth }, t("factor.open")),
    keyShown(enrolment.secret),
    h(
      "form",
      { class: "form", onsubmit: submit },
      codeField("enrol-code", "code", t("factor.code"), "numeric"),
      wrong(error),
      h("div", { class: "deeds" }, h("button", { type: "button", class: "button", onclick: cancel }, t("cancel")), h("button", { class: "button accent", "data-testid": "confirm-factor", disabled: busy }, t("factor.begin"))),
    ),
  );
}

/** The key in letters, four by four: whole on any screen, to be typed elsewhere.
 * @param {string} key
 */
function keyShown(key) {
  const label = t("factor.secret");
  return h(
    "div",
    { class: "field" },
    h("span", { class: "label" }, label),
    h("span", { class: "key-shown" }, h("code", { class: "key-letters" }, key.replace(/(.{4})(?=.)/g, "$1 ")), h("button", { type: "button", class: "icon-button", "aria-label": `${t("copy")}: ${label}`, onclick: () => copy(key) }, icon("copy"))),
  );
}

/**
 * @param {string[]} codes
 * @param {() => void} kept
 */
export function codesPanel(codes, kept) {
  return h(
    "section",
    { key: "codes", class: "panel", "data-testid": "codes" },
    h("h2", null, t("factor.codes")),
    h("p", { class: "quiet" }, t("factor.codes.do")),
    h("ol", { class: "recovery-codes figures" }, codes.map((code) => h("li", { key: code }, code))),
    h("div", { class: "deeds" }, h("button", { type: "button", class: "button", onclick: () => copy(codes.join("\n")) }, t("copy")), h("button", { type: "button", class: "button accent", "data-testid": "codes-kept", onclick: kept }, t("factor.codes.kept"))),
  );
}

/** @param {Shared & {with_code: boolean, done: boolean, change: (entries: FormData, form: HTMLFormElement) => void}} now */
export function passwordPanel({ with_code, error, busy, done, change }) {
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    change(new FormData(form), form);
  };
  return h(
    "section",
    { key: "password", class: "panel", "data-testid": "password" },
    h("h2", null, t("password.title")),
    h(
      "form",
      { class: "form", onsubmit: submit },
      passwordField("password-now", "password", t("password.now"), "current-password"),
      passwordField("password-next", "new_password", t("password.next"), "new-password", t("password.hint")),
      with_code && codeField("password-code", "code", t("factor.code.any")),
      wrong(error),
      done && h("p", { key: "done", class: "form-done", role: "status" }, t("password.changed")),
      h("div", { class: "deeds" }, h("button", { class: "button", "data-testid": "change-password", disabled: busy }, t("password.change"))),
    ),
  );
}

/**
 * @param {string} id
 * @param {string} name
 * @param {string} label
 * @param {string} autocomplete
 * @param {string} [hint]
 */
export function passwordField(id, name, label, autocomplete, hint = "") {
  const least = autocomplete === "new-password" ? 10 : null;
  return h("div", { key: id, class: "field" }, h("label", { for: id }, label), h("input", { id, name, type: "password", autocomplete, minlength: least, maxlength: 256, required: true }), hint && h("span", { class: "hint small" }, hint));
}

/**
 * @param {string} id
 * @param {string} name
 * @param {string} label
 * @param {string} [mode] numeric: a phone shows its digits
 */
export function codeField(id, name, label, mode = "text") {
  return h("div", { key: id, class: "field" }, h("label", { for: id }, label), h("input", { id, name, class: "code-input", inputmode: mode, autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", minlength: 6, maxlength: 16, required: true }));
}

/** @param {string} error */
export function wrong(error) {
  return error && h("p", { key: "error", class: "form-error", role: "alert" }, error);
}
