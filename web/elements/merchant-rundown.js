/** `<merchant-rundown>`: the offers of one show: products, prices, limits, and what the show is granted. */

import { minorDigits, money, number, said, t } from "../strings/speak.js";
import { newKey, Problem } from "../transport/api.js";
import { isSignedOut, staff } from "../transport/session.js";
import { announce } from "./announce.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { icon } from "./icon.js";
import { productPicture } from "./product-picture.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("../types.js").RundownLine} RundownLine */
/** @typedef {import("../types.js").Product} Product */

const FIRST_ALLOTMENT = 20;

export class MerchantRundown extends silk({
  show: /** @type {import("../types.js").Show | null} */ (null),
  show_id: "",
  offers: /** @type {RundownLine[] | null} */ (null),
  products: /** @type {Product[]} */ ([]),
  search: "",
  unsaved: false,
  busy: false,
  error: "",
}) {
  get #path() {
    return `/api/merchant/shows/${encodeURIComponent(this.show_id)}/rundown`;
  }

  get #currency() {
    return this.show?.currency ?? "CNY";
  }

  view() {
    const id = encodeURIComponent(this.show_id);
    return [
      h(
        "header",
        { key: "head", class: "view-head" },
        h("a", { class: "icon-button", href: "/merchant", "aria-label": t("back") }, icon("back")),
        h("div", null, h("h1", null, said(this.show?.title) || t("merchant.rundown")), h("p", { class: "quiet small" }, this.unsaved ? t("merchant.unsaved") : t("merchant.rundown"))),
        h("span", { class: "gap" }),
        h("a", { class: "button plain", href: `/host/${id}` }, t("merchant.host")),
        h("button", { type: "button", class: "button", "data-testid": "add-products", onclick: () => this.#dialog.showModal() }, icon("plus"), t("merchant.add")),
        h("button", { type: "button", class: "button accent", "data-testid": "save", disabled: !this.unsaved || this.busy, onclick: () => this.#save() }, t("save")),
      ),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      this.#table(),
      h("dialog", { key: "add", class: "dialog", "aria-label": t("merchant.add") }, this.#picker()),
    ];
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  entered() {
    this.#load();
    this.listen(window, "beforeunload", (event) => this.unsaved && event.preventDefault());
  }

  async #load() {
    try {
      const [rundown, { products }] = await Promise.all([staff.get(this.#path), staff.get("/api/merchant/products")]);
      this.offers = rundown.offers;
      this.products = products;
    } catch (error) {
      this.#failed(error);
    }
  }

  #table() {
    if (!this.offers) return h("div", { key: "bones", class: "panel is-skeleton" }, [1, 2, 3].map(() => h("span", { class: "bone" })));
    if (!this.offers.length) {
      const add = h("button", { type: "button", class: "button", onclick: () => this.#dialog.showModal() }, t("merchant.add"));
      return stateNote({ icon: "rows", title: t("merchant.rundown.empty"), text: t("merchant.rundown.empty.do"), action: add });
    }
    const head = [t("merchant.product"), t("merchant.price"), t("merchant.before"), t("merchant.limit"), t("merchant.allot")];
    return h(
      "div",
      { key: "table", class: "table-room" },
      h(
        "table",
        { class: "calm stacks rundown-table", "data-testid": "rundown-table" },
        h("thead", null, h("tr", null, h("th", null, ""), head.map((words, index) => h("th", { class: index ? "right" : "" }, words)), h("th", null, ""))),
        h("tbody", null, this.offers.map((offer, index) => this.#row(offer, index))),
      ),
    );
  }

  /**
   * @param {RundownLine} offer
   * @param {number} index
   */
  #row(offer, index) {
    const title = said(offer.title);
    const sku = offer.lines[0]?.sku ?? "";
    const stock = this.products.find((product) => product.sku === sku)?.stock;
    const cell = (/** @type {string} */ label, /** @type {import("./dom.js").Child} */ input, hint = "") => h("td", { class: "right", "data-label": label }, h("span", { class: "cell" }, input, hint && h("span", { class: "small quiet figures" }, hint)));
    return h(
      "tr",
      { key: offer.offer ?? `new-${sku}`, "data-testid": "rundown-row" },
      h("td", { class: "tight order-cell" }, h("span", { class: "order-buttons" }, h("button", { type: "button", class: "icon-button", disabled: index === 0, "aria-label": `${t("host.up")}: ${title}`, onclick: () => this.#move(index, -1) }, icon("up")), h("button", { type: "button", class: "icon-button", disabled: index === (this.offers?.length ?? 0) - 1, "aria-label": `${t("host.down")}: ${title}`, onclick: () => this.#move(index, 1) }, icon("down")))),
      h("td", { class: "lead-cell" }, h("span", { class: "product-cell" }, productPicture(offer.image, ""), h("span", null, title))),
      cell(t("merchant.price"), this.#amount(offer, "price", `${t("merchant.price")}: ${title}`, true)),
      cell(t("merchant.before"), this.#amount(offer, "before", `${t("merchant.before")}: ${title}`, false)),
      cell(t("merchant.limit"), this.#count(offer.limit, `${t("merchant.limit")}: ${title}`, (limit) => this.#change(index, { limit }))),
      offer.lines.length > 1
        ? cell(t("merchant.allot"), h("span", { class: "small quiet" }, offer.lines.map((line) => this.#part(line)).join(" + ")))
        : cell(t("merchant.allot"), this.#count(offer.allot[sku] ?? 0, `${t("merchant.allot")}: ${title}`, (units) => this.#change(index, { allot: { ...offer.allot, [sku]: units ?? 0 } })), stock === undefined ? "" : `/ ${number(stock)}`),
      h("td", { class: "tight" }, h("button", { type: "button", class: "icon-button", "aria-label": t("merchant.remove", { title }), onclick: () => this.#change(index, null) }, icon("bin"))),
    );
  }

  /**
   * A part of a bundle: its stock is granted where the product itself is in the rundown.
   * @param {{sku: string, units: number}} line
   */
  #part({ sku, units }) {
    const product = this.products.find((one) => one.sku === sku);
    return `${said(product?.title) || sku}${units > 1 ? ` × ${units}` : ""}`;
  }

  /**
   * @param {RundownLine} offer
   * @param {"price" | "before"} name
   * @param {string} label
   * @param {boolean} required
   */
  #amount(offer, name, label, required) {
    const digits = minorDigits(this.#currency);
    const value = offer[name];
    return h("input", {
      class: "input figures",
      type: "number",
      inputmode: "decimal",
      min: 0,
      step: 10 ** -digits,
      required,
      "aria-label": label,
      value: value === null || value === undefined ? "" : (value / 10 ** digits).toFixed(digits),
      onchange: (/** @type {Event} */ event) => {
        const text = /** @type {HTMLInputElement} */ (event.target).value;
        const minor = text === "" ? null : Math.round(Number(text) * 10 ** digits);
        const good = !required || (minor !== null && minor > 0);
        this.error = good ? "" : t("merchant.price.bad");
        if (good) this.#change(this.offers?.indexOf(offer) ?? -1, { [name]: minor });
      },
    });
  }

  /**
   * @param {number | null} value
   * @param {string} label
   * @param {(value: number | null) => void} tell
   */
  #count(value, label, tell) {
    return h("input", {
      class: "input figures narrow",
      type: "number",
      inputmode: "numeric",
      min: 0,
      step: 1,
      "aria-label": label,
      placeholder: "–",
      value: value ?? "",
      onchange: (/** @type {Event} */ event) => {
        const text = /** @type {HTMLInputElement} */ (event.target).value;
        tell(text === "" ? null : Math.max(0, Math.round(Number(text))));
      },
    });
  }

  /**
   * @param {number} index
   * @param {Partial<RundownLine> | null} changes null takes the offer out
   */
  #change(index, changes) {
    const offers = [...(this.offers ?? [])];
    if (changes) offers[index] = { ...offers[index], ...changes };
    else offers.splice(index, 1);
    this.offers = offers;
    this.unsaved = true;
  }

  /**
   * @param {number} index
   * @param {number} by
   */
  #move(index, by) {
    const offers = [...(this.offers ?? [])];
    offers.splice(index + by, 0, ...offers.splice(index, 1));
    this.offers = offers;
    this.unsaved = true;
  }

  #picker() {
    const taken = new Set((this.offers ?? []).flatMap((offer) => offer.lines.map((line) => line.sku)));
    const words = this.search.trim().toLowerCase();
    const found = this.products.filter((product) => !words || `${said(product.title)} ${product.sku}`.toLowerCase().includes(words));
    return [
      h("h2", { key: "title" }, t("merchant.add")),
      h("div", { key: "search", class: "field" }, h("input", { type: "search", "aria-label": t("merchant.add.search"), placeholder: t("merchant.add.search"), oninput: (/** @type {Event} */ event) => (this.search = /** @type {HTMLInputElement} */ (event.target).value) })),
      found.length
        ? h("ul", { key: "list", class: "picker" }, found.map((product) => this.#pickable(product, taken.has(product.sku))))
        : stateNote({ title: t("merchant.add.none") }),
      h("div", { key: "actions", class: "dialog-actions" }, h("button", { type: "button", class: "button accent", onclick: () => this.#dialog.close() }, t("merchant.add.done"))),
    ];
  }

  /**
   * @param {Product} product
   * @param {boolean} taken
   */
  #pickable(product, taken) {
    const title = said(product.title);
    return h(
      "li",
      { key: product.sku, class: "pickable" },
      productPicture(product.image, ""),
      h("span", { class: "cart-words" }, h("span", { class: "cart-name" }, title), h("span", { class: "small quiet figures" }, `${money(product.price, product.currency)} · ${t("merchant.stock")} ${number(product.stock)}`)),
      h("button", { type: "button", class: `round ${taken ? "is-in" : ""}`, disabled: taken, "aria-label": `${t("merchant.add")}: ${title}`, "data-testid": "pick", onclick: () => this.#add(product) }, icon(taken ? "check" : "plus")),
    );
  }

  /** @param {Product} product */
  #add({ sku, title, image, price, stock }) {
    const offer = { offer: null, title, image, lines: [{ sku, units: 1 }], price, before: null, cap: null, limit: null, allot: { [sku]: Math.min(stock, FIRST_ALLOTMENT) } };
    this.offers = [...(this.offers ?? []), offer];
    this.unsaved = true;
  }

  async #save() {
    this.busy = true;
    this.error = "";
    try {
      this.offers = (await staff.command(this.#path, { offers: this.offers }, newKey(), "PUT")).offers;
      this.unsaved = false;
      announce(t("saved"));
    } catch (error) {
      this.#failed(error);
    }
    this.busy = false;
  }

  /** @param {unknown} error */
  #failed(error) {
    if (!(error instanceof Problem)) throw error;
    if (isSignedOut(error)) this.ask("signed-out");
    this.error = explain(error);
  }
}

customElements.define("merchant-rundown", MerchantRundown);
