/**
 * `<offer-card>`: one offer with its picture, name, prices, stock when few, and one action.
 * Asks for `quantity` (detail: offer id, quantity). The same card in the rail and over the picture.
 */

import { canBuy, isFew, isTight, mostOf } from "../store/show-store.js";
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
  ended: false, // the show is: nothing can be put into a cart any more
}) {
  view() {
    const { offer } = this;
    if (!offer) return null;
    const over = this.shape === "wide";
    const title = said(offer.title);
    return h(
      "article",
      {
        class: `card ${canBuy(offer) || this.ended ? "" : "is-gone"}`,
        "data-testid": over ? "pinned-card" : "offer-card",
        "data-offer": offer.id,
      },
      h("div", { class: "card-picture" }, productPicture(offer.image, ""), this.#mark(offer, over)),
      h("h3", { class: "card-name", title }, title),
      h("div", { class: "card-money" }, priceLines(offer, this.currency), this.#stock(offer)),
      !this.ended && h("div", { class: "card-action" }, over ? this.#wideAction(offer, title) : this.#roundAction(offer, title)),
    );
  }

  /**
   * @param {import("../types.js").Offer} offer
   * @param {boolean} over
   */
  #mark(offer, over) {
    if (this.ended) return null; // what was left went back to the shelf: it is not sold out
    if (!canBuy(offer)) return h("span", { class: "card-mark" }, t(offer.withdrawn ? "offer.withdrawn" : "offer.soldout"));
    return this.pinned && !over && h("span", { class: "card-mark now" }, t("offer.pinned"));
  }

  /** @param {import("../types.js").Offer} offer */
  #stock(offer) {
    if (this.ended) return null;
    if (isFew(offer)) return h("p", { class: "card-stock few" }, t("offer.left", { n: offer.available }));
    return isTight(offer) ? h("p", { class: "card-stock" }, t("offer.limit", { n: offer.limit ?? 0 })) : null;
  }

  /**
   * The one action of the pinned card; once in the cart, how many.
   * @param {import("../types.js").Offer} offer
   * @param {string} title
   */
  #wideAction(offer, title) {
    if (this.quantity > 0) return stepper(title, this.quantity, mostOf(offer), (quantity) => () => this.#wish(quantity));
    return h(
      "button",
      {
        key: "add",
        type: "button",
        class: "button accent",
        "data-heir": "",
        "data-testid": "add",
        disabled: !canBuy(offer),
        "aria-label": `${t("offer.add")}: ${title}`,
        onclick: () => this.#wish(1),
      },
      t(canBuy(offer) ? "offer.add" : "offer.soldout"),
    );
  }

  /**
   * In the rail: a round plus, or how many are in the cart; one more at each press.
   * @param {import("../types.js").Offer} offer
   * @param {string} title
   */
  #roundAction(offer, title) {
    const label = this.quantity ? t("offer.more", { title }) : `${t("offer.add")}: ${title}`;
    return h(
      "button",
      {
        key: "add",
        type: "button",
        class: `round ${this.quantity ? "is-in" : ""}`,
        "data-testid": "add",
        disabled: !canBuy(offer) || this.quantity >= mostOf(offer),
        "aria-label": label,
        title: label,
        onclick: () => this.#wish(this.quantity + 1),
      },
      this.quantity ? h("span", { class: "figures" }, this.quantity) : icon("plus"),
    );
  }

  /** @param {number} quantity */
  #wish(quantity) {
    if (!this.offer) return;
    if (quantity > this.quantity) announce(t("offer.added", { title: said(this.offer.title) }));
    this.ask("quantity", { offer: this.offer.id, quantity });
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
    h("button", { type: "button", class: "icon-button", disabled: quantity >= most, "aria-label": t("offer.more", { title }), "data-heir": quantity < most ? "" : null, onclick: wish(quantity + 1) }, icon("plus")),
  );
}

customElements.define("offer-card", OfferCard);
