/** `<product-rail>`: the offers of a show in the order of its rundown. */

import { t } from "../strings/speak.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import "./offer-card.js";
import { stateNote } from "./state-note.js";

const SKELETONS = 6;

export class ProductRail extends silk({
  offers: /** @type {import("../types.js").Offer[] | null} */ (null),
  quantities: /** @type {Record<string, number>} */ ({}),
  pinned: /** @type {string | null} */ (null),
  currency: "CNY",
  ended: false,
}) {
  view() {
    if (!this.offers) return h("ul", { class: "rail-list", "aria-busy": "true" }, Array.from({ length: SKELETONS }, skeleton));
    if (!this.offers.length) return stateNote({ icon: "box", title: t("rail.empty"), text: t("rail.empty.do") });
    return h(
      "ul",
      { class: "rail-list", "data-testid": "rail" },
      this.offers.map((offer) =>
        h(
          "li",
          { key: offer.id },
          h("offer-card", {
            ".offer": offer,
            ".currency": this.currency,
            ".quantity": this.quantities[offer.id] ?? 0,
            ".pinned": offer.id === this.pinned,
            ".ended": this.ended,
          }),
        ),
      ),
    );
  }
}

/** The final shape of a card, without its words. */
function skeleton() {
  return h(
    "li",
    { class: "is-skeleton" },
    h(
      "div",
      { class: "card" },
      h("div", { class: "card-picture" }),
      h("div", { class: "card-name" }, h("span", { class: "bone" })),
      h("div", { class: "card-money" }, h("span", { class: "bone short" })),
    ),
  );
}

customElements.define("product-rail", ProductRail);
