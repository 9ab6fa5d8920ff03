/** What is to be paid, line by line; freight and tax are said even when they are nothing. */

import { money, t } from "../strings/speak.js";
import { h } from "./dom.js";

/** @param {import("../types.js").Amounts} amounts */
export function amountLines({ goods, freight, tax, discount, total, currency }) {
  const line = (/** @type {string} */ name, /** @type {string} */ value, kind = "") =>
    h("div", { class: `amount ${kind}` }, h("dt", null, name), h("dd", { class: "figures" }, value));
  return h(
    "dl",
    { class: "amounts" },
    line(t("cart.goods"), money(goods, currency)),
    line(t("cart.freight"), freight ? money(freight, currency) : t("cart.free")),
    line(t("cart.tax"), money(tax, currency)),
    discount > 0 && line(t("cart.discount"), money(-discount, currency)),
    line(t("cart.total"), money(total, currency), "is-total"),
  );
}
