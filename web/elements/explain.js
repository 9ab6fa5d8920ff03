/** What a Problem means to a person, and what to do about it: one sentence from the catalogue. */

import { isKey, money, said, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";

/**
 * @param {unknown} error
 * @param {{offers?: Record<string, import("../types.js").Offer>, currency?: string}} [known] to name the goods by
 */
export function explain(error, { offers = {}, currency = "CNY" } = {}) {
  if (!(error instanceof Problem)) return t("error.other", { code: error instanceof Error ? error.name : "?" });
  const key = `error.${error.code}`;
  if (!isKey(key)) return t("error.other", { code: error.code });
  const { offer, price, limit, sku, there } = error.fields;
  return t(key, {
    title: said(offers[offer]?.title) || t("cart.title"),
    price: typeof price === "number" ? money(price, currency) : "",
    n: limit ?? there ?? 0,
    sku: sku ?? "",
    detail: error.detail,
  });
}
