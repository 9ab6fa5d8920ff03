/** What a merchant can do with an order: which deeds a state allows, and what each asks for first. */

import { isKey, minorDigits, money, t } from "../strings/speak.js";
import { askForm } from "./ask-form.js";
import { h } from "./dom.js";
import { piecesLeft, readPieces, returnFields } from "./return-fields.js";

/** @typedef {import("../types.js").OrderFile} OrderFile */
/** @typedef {{deed: string, body: Record<string, any>}} Deed */

/** @type {Record<string, string[]>} the likeliest first */
const NEXT = { paid: ["shipped", "declared"], declared: ["cleared"], cleared: ["shipped"], shipped: ["delivered"] };
const STILL_HERE = new Set(["paid", "declared", "cleared"]);
const SENT_OUT = new Set(["shipped", "delivered"]);

/** @param {OrderFile} file */
export const nextSteps = ({ order }) => NEXT[order.state] ?? [];

/** @param {OrderFile} file */
export const moneyLeft = (file) => file.order.amounts.total - file.refunded;

/** @param {OrderFile} file */
export const canCancel = ({ order }) => STILL_HERE.has(order.state);

/** @param {OrderFile} file */
export const canTakeBack = ({ order }) => SENT_OUT.has(order.state) && order.lines.some((line) => piecesLeft(line) > 0);

/** @param {OrderFile} file */
export const openReturn = ({ returns }) => returns.find(({ state }) => state === "asked") ?? null;

/** @param {string} state */
export function stepName(state) {
  const key = `merchant.step.${state}`;
  return isKey(key) ? t(key) : state;
}

/** @param {string} reason */
export function reasonName(reason) {
  const key = `return.reason.${reason}`;
  return isKey(key) ? t(key) : reason;
}

/**
 * @param {OrderFile} file
 * @returns {Promise<Deed | null>}
 */
export async function askRefund(file) {
  const { currency } = file.order.amounts;
  const digits = minorDigits(currency);
  const most = moneyLeft(file);
  const label = t("merchant.refund.amount", { currency });
  const written = await askForm({
    title: t("merchant.refund"),
    text: t("merchant.refund.do", { most: money(most, currency) }),
    deed: t("merchant.refund"),
    stop: true,
    fields: [
      h("div", { class: "field" }, h("label", { for: "refund-amount" }, label), h("input", { id: "refund-amount", name: "amount", type: "number", inputmode: "decimal", class: "figures", min: 10 ** -digits, max: most / 10 ** digits, step: 10 ** -digits, required: true })),
      whyField(),
    ],
  });
  if (!written) return null;
  return { deed: "refund", body: { amount: Math.round(Number(written.get("amount")) * 10 ** digits), reason: why(written) } };
}

/** @returns {Promise<Deed | null>} */
export async function askCancel() {
  const written = await askForm({ title: t("merchant.cancel.sure"), text: t("merchant.cancel.do"), deed: t("merchant.cancel"), stop: true, fields: whyField() });
  return written && { deed: "cancel", body: { reason: why(written) } };
}

/** @returns {Promise<Deed | null>} */
export async function askDecline() {
  const written = await askForm({ title: t("merchant.decline.sure"), deed: t("merchant.decline"), stop: true, fields: whyField() });
  return written && { deed: "decline-return", body: { reason: why(written) } };
}

/**
 * @param {OrderFile} file
 * @returns {Promise<Deed | null>}
 */
export async function askTakeBack(file) {
  const wish = openReturn(file);
  const wished = (/** @type {number} */ number) => wish?.lines.find(({ line }) => line === number)?.pieces ?? 0;
  const written = await askForm({
    title: t("merchant.takeback"),
    text: t("merchant.takeback.do"),
    deed: t("merchant.takeback.book"),
    fields: [
      returnFields(file.order.lines, wished),
      h("label", { class: "check-field" }, h("input", { type: "checkbox", name: "restock", checked: true }), t("merchant.restock")),
    ],
  });
  if (!written) return null;
  const lines = readPieces(written);
  return lines.length ? { deed: "return", body: { lines, restock: written.get("restock") !== null } } : null;
}

function whyField() {
  return h("div", { class: "field" }, h("label", { for: "why" }, t("merchant.why")), h("input", { id: "why", name: "why", maxlength: 200, placeholder: t("merchant.why.hint") }));
}

/** @param {FormData} written */
function why(written) {
  return String(written.get("why") ?? "").trim();
}
