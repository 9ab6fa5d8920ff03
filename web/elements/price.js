/** Prices as they stand on a card: the price now is the largest text, the one before small and struck. */

import { money, t } from "../strings/speak.js";
import { h } from "./dom.js";

/**
 * @param {import("../types.js").Offer} offer
 * @param {string} currency
 */
export function priceLines(offer, currency) {
  const before = offer.before && offer.before > offer.price ? money(offer.before, currency) : "";
  return [
    h(
      "p",
      { class: "card-prices figures" },
      h("strong", { class: "card-price", "data-testid": "price" }, money(offer.price, currency)),
      before && h("s", { class: "card-before", "aria-label": t("offer.before", { price: before }) }, before),
    ),
    typeof offer.all_in === "number" &&
      h("p", { class: "card-allin figures" }, t("offer.allin", { price: money(offer.all_in, currency) })),
  ];
}
