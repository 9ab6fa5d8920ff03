/**
 * `<offer-card>`: one offer with its picture, name, prices, stock when few, and one action.
 * Asks for `quantity` (detail: offer id, quantity). The same card in the rail and over the picture.
 */

import { canBuy, isFew, mostOf } from "../store/show-store.js";
import { said, t } from "../strings/speak.js";
import { announce } from "./announce.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { icon } from "./icon.js";
import { priceLines } from "./price.js";
import { productPicture } from "./product-picture.js";

export class OfferCard extends silk({
  offer: /** @type {import("../types.js").Offer | null} */ (null),
  currency: "CNY",
  quantity: 0,
  pinned: false,
  shape: /** @type {"tall" | "wide"} */ ("tall"),
}) {
  view() {
    const { offer } = this;
    if (!offer) return null;
    const title = said(offer.title);
    return h(
      "article",
      { class: `card ${this.pinned ? "is-pinned" : ""} ${canBuy(offer) ? "" : "is-gone"}`, "data-testid": this.shape === "wide" ? "pinned-card" : "offer-card", "data-offer": offer.id },
      h("div", { class: "card-picture" }, productPicture(offer.image, ""), this.#mark(offer)),
      h(
        "div",
        { class: "card-words" },
        h("h3", { class: "card-name", title }, title),
        priceLines(offer, this.currency),
        h("p", { class: "card-stock" }, this.#stock(offer)),
      ),
      h("div", { class: "card-action" }, this.#action(offer, title)),
    );
  }

  /** @param {import("../types.js").Offer} offer */
  #mark(offer) {
    if (!canBuy(offer)) return h("span", { class: "card-mark" }, t(offer.withdrawn ? "offer.withdrawn" : "offer.soldout"));
    return this.pinned && this.shape !== "wide" && h("span", { class: "card-mark now" }, t("offer.pinned"));
  }

  /** @param {import("../types.js").Offer} offer */
  #stock(offer) {
    if (isFew(offer)) return h("span", { class: "few" }, t("offer.left", { n: offer.available }));
    return offer.limit ? t("offer.limit", { n: offer.limit }) : "";
  }

  /**
   * @param {import("../types.js").Offer} offer
   * @param {string} title
   */
  #action(offer, title) {
    const wish = (/** @type {number} */ quantity) => () => this.ask("quantity", { offer: offer.id, quantity });
    if (this.quantity > 0) return stepper(title, this.quantity, mostOf(offer), wish);
    return h(
      "button",
      {
        key: "add",
        type: "button",
        class: `button ${this.shape === "wide" ? "accent" : "small"}`,
        "data-testid": "add",
        disabled: !canBuy(offer),
        "aria-label": `${t("offer.add")}: ${title}`,
        onclick: () => {
          wish(1)();
          announce(t("offer.added", { title }));
        },
      },
      t(canBuy(offer) ? "offer.add" : "offer.soldout"),
    );
  }
}

/**
 * @param {string} title
 * @param {number} quantity
 * @param {number} most
 * @param {(quantity: number) => () => void} wish
 */
export function stepper(title, quantity, most, wish) {
  return h(
    "div",
    { key: "stepper", class: "stepper", role: "group", "aria-label": title },
    h("button", { type: "button", class: "icon-button", "aria-label": t("offer.fewer", { title }), onclick: wish(quantity - 1) }, icon(quantity === 1 ? "bin" : "minus")),
    h("output", { class: "figures", "aria-label": t("offer.quantity", { n: quantity }) }, quantity),
    h("button", { type: "button", class: "icon-button", disabled: quantity >= most, "aria-label": t("offer.more", { title }), onclick: wish(quantity + 1) }, icon("plus")),
  );
}

customElements.define("offer-card", OfferCard);
