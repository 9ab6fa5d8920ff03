/**
 * `<cart-sheet>`: cart, checkout and the order just placed, one step at a time, in a sheet that leaves
 * the host's face free. Asks for `quantity`, `place` and `cancel-order`.
 */

import { amountsOf, pieces, stuckLines } from "../store/cart.js";
import { canBuy, isOver, mostOf } from "../store/show-store.js";
import { money, said, t } from "../strings/speak.js";
import { amountLines } from "./amounts.js";
import "./checkout-form.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { icon } from "./icon.js";
import { stepper } from "./offer-card.js";
import { holdPanel, orderLinks } from "./order-brief.js";
import { productPicture } from "./product-picture.js";
import { stateNote } from "./state-note.js";

/** @typedef {"cart" | "checkout" | "order"} Step */

export class CartSheet extends silk({
  lines: /** @type {import("../store/cart.js").Wish[]} */ ([]),
  offers: /** @type {Record<string, import("../types.js").Offer>} */ ({}),
  told: /** @type {import("../types.js").Amounts | null} */ (null),
  currency: "CNY",
  step: /** @type {Step} */ ("cart"),
  order: /** @type {import("../types.js").Order | null} */ (null),
  orders: /** @type {import("../types.js").Order[]} */ ([]),
  ahead_ms: 0,
  hold_minutes: 0,
  busy: false,
  error: "",
  state: "opened", // of the show
}) {
  /** Where the press began: text that is marked up to the picture's edge ends no sheet. */
  #begunBeside = false;

  view() {
    return h(
      "dialog",
      { key: "sheet", class: "sheet", "aria-labelledby": "sheet-title", "data-testid": "cart-sheet", onpointerdown: (/** @type {MouseEvent} */ event) => (this.#begunBeside = this.#isBeside(event)), onclick: (/** @type {MouseEvent} */ event) => this.#begunBeside && this.#isBeside(event) && this.close() },
      h(
        "header",
        { class: "sheet-head" },
        this.step === "checkout" &&
          h("button", { key: "back", type: "button", class: "icon-button", "aria-label": t("back"), onclick: () => (this.step = "cart") }, icon("back")),
        h("h2", { key: "title", id: "sheet-title", tabindex: "-1", "data-heir": "" }, this.#title()),
        h("button", { key: "close", type: "button", class: "icon-button", "aria-label": t("close"), "data-testid": "sheet-close", onclick: () => this.close() }, icon("close")),
      ),
      h("div", { key: this.step, class: "sheet-body" }, this.#body()),
    );
  }

  /** @param {Step} step */
  open(step) {
    this.step = step;
    this.draw();
    if (!this.#dialog.open) this.#dialog.showModal();
    /** @type {HTMLElement} */ (this.querySelector("#sheet-title")).focus();
  }

  close() {
    this.#dialog.close();
  }

  get isOpen() {
    return this.#dialog.open;
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  /** A press beside the sheet closes it: the picture is there to be seen.
   * @param {MouseEvent} event
   */
  #isBeside(event) {
    if (event.target !== this.#dialog) return false;
    const { left, right, top, bottom } = this.#dialog.getBoundingClientRect();
    return event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom;
  }

  /** Why the show takes no order now; "" when it does. */
  get #shut() {
    if (isOver(this)) return t("error.ShowNotOpen");
    return this.state === "scheduled" ? t("cart.early") : "";
  }

  #title() {
    if (this.step === "order") return t("order.title");
    return t(this.step === "checkout" ? "checkout.title" : "cart.title");
  }

  #body() {
    if (this.step === "order" && this.order) {
      const cancel = (/** @type {import("../types.js").Order} */ order) => this.ask("cancel-order", order);
      return [holdPanel(this.order, this.ahead_ms, cancel), this.#wrong()];
    }
    return this.step === "checkout" ? this.#checkout() : this.#cart();
  }

  #cart() {
    const amounts = amountsOf(this.lines, this.offers, this.told, this.currency);
    const stuck = new Set(stuckLines(this.lines, this.offers).map((line) => line.offer));
    const links = orderLinks(this.orders);
    if (!this.lines.length) return [stateNote({ icon: "cart", title: t("cart.empty"), text: t("cart.empty.do"), testid: "cart-empty" }), links];
    return [
      h("ul", { key: "lines", class: "cart-lines" }, this.lines.map((line) => this.#line(line, stuck.has(line.offer)))),
      h("div", { key: "sum", class: "cart-sum" }, amountLines(amounts)),
      this.#wrong(),
      h(
        "button",
        {
          key: "checkout",
          type: "button",
          class: "button accent wide",
          "data-testid": "checkout",
          disabled: stuck.size > 0 || this.#shut !== "",
          onclick: () => (this.step = "checkout"),
        },
        t("cart.checkout"),
      ),
      h("p", { key: "note", class: "small quiet centred" }, this.#shut || t("cart.note")),
      links,
    ];
  }

  /**
   * @param {import("../store/cart.js").Wish} line
   * @param {boolean} stuck
   */
  #line({ offer: id, quantity }, stuck) {
    const offer = this.offers[id];
    const title = said(offer?.title) || id;
    const wish = (/** @type {number} */ n) => () => this.ask("quantity", { offer: id, quantity: n });
    return h(
      "li",
      { key: id, class: `cart-line ${stuck ? "is-stuck" : ""}`, "data-offer": id },
      productPicture(offer?.image, ""),
      h(
        "div",
        { class: "cart-words" },
        h("p", { class: "cart-name", title }, title),
        h("p", { class: "figures" }, h("strong", null, money((offer?.price ?? 0) * quantity, this.currency))),
        stuck && h("p", { class: "field-bad" }, offer && canBuy(offer) ? t("offer.left", { n: offer.available }) : t("cart.gone")),
      ),
      stuck && !canBuy(offer)
        ? h("button", { key: "out", type: "button", class: "icon-button", "aria-label": t("cart.remove", { title }), onclick: wish(0) }, icon("bin"))
        : stepper(title, quantity, offer ? mostOf(offer) : quantity, wish),
    );
  }

  #wrong() {
    return this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error);
  }

  #checkout() {
    const amounts = amountsOf(this.lines, this.offers, this.told, this.currency);
    return [
      h(
        "p",
        { key: "brief", class: "checkout-brief" },
        h("span", null, t("cart.count", { n: pieces(this.lines) })),
        h("strong", { class: "figures" }, money(amounts.total, amounts.currency)),
      ),
      h("checkout-form", {
        key: "form",
        ".price": money(amounts.total, amounts.currency),
        ".busy": this.busy,
        ".error": this.error,
        ".blocked": this.#shut !== "" || !this.lines.length || stuckLines(this.lines, this.offers).length > 0,
        ".minutes": this.hold_minutes,
      }),
    ];
  }
}

customElements.define("cart-sheet", CartSheet);
