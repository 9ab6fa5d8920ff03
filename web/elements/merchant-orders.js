/** `<merchant-orders>`: orders, newest first, filtered by what stands in the address. */

import { dayAndTime, isKey, language, money, said, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { saveFile } from "../transport/save-file.js";
import { isSignedOut, staff } from "../transport/session.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { icon } from "./icon.js";
import { orderNumber } from "./order-number.js";
import { statePill } from "./order-states.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("../types.js").Order} Order */

const STATES = ["awaiting_payment", "paid", "declared", "cleared", "shipped", "delivered", "returned", "refunded", "lapsed", "cancelled"];

export class MerchantOrders extends silk({
  shows: /** @type {import("../types.js").Show[]} */ ([]),
  orders: /** @type {Order[] | null} */ (null),
  saving: "",
  next: /** @type {string | null} */ (null),
  error: "",
}) {
  #asked = "";

  get #filters() {
    const query = new URLSearchParams(location.search);
    return { show: query.get("show") ?? "", state: query.get("state") ?? "" };
  }

  view() {
    return [h("header", { key: "head", class: "view-head" }, h("h1", null, t("merchant.orders")), h("span", { class: "gap" }), this.#choices(), this.#exports()), this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error), this.#table()];
  }

  #choices() {
    const { show, state } = this.#filters;
    const choice = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ value, /** @type {[string, string][]} */ options) =>
      h(
        "div",
        { class: "field filter" },
        h("label", { for: `filter-${name}` }, label),
        h(
          "select",
          { id: `filter-${name}`, "data-testid": `filter-${name}`, ".value": value, onchange: (/** @type {Event} */ event) => this.#filter(name, /** @type {HTMLSelectElement} */ (event.target).value) },
          h("option", { key: "", value: "" }, t("merchant.all")),
          options.map(([key, words]) => h("option", { key, value: key }, words)),
        ),
      );
    return h(
      "div",
      { class: "filters" },
      choice("show", t("merchant.show"), show, this.shows.map((one) => [one.id, said(one.title) || one.id])),
      choice("state", t("merchant.state"), state, STATES.map((one) => [one, word(one)])),
    );
  }

  #exports() {
    const way = (/** @type {string} */ name, /** @type {string} */ words) =>
      h("button", { key: name, type: "button", class: "button small", disabled: this.saving !== "", title: t("merchant.export"), "data-testid": `export-${name}`, onclick: () => this.#export(name) }, icon("save"), words);
    return h("div", { class: "row-ways" }, way("csv", "CSV"), way("jsonl", "JSON"));
  }

  /** @param {string} kind */
  async #export(kind) {
    const query = new URLSearchParams(Object.entries({ ...this.#filters, language: language() }).filter(([, text]) => text));
    this.saving = kind;
    try {
      await saveFile(staff, `/api/merchant/exports/orders.${kind}?${query}`, `orders.${kind}`);
      this.error = "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (isSignedOut(error)) this.ask("signed-out");
      this.error = explain(error);
    }
    this.saving = "";
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  #filter(name, value) {
    const query = new URLSearchParams({ view: "orders", ...this.#filters, [name]: value });
    for (const [key, text] of [...query]) if (!text) query.delete(key);
    this.ask("go", `?${query}`);
    this.#load();
  }

  entered() {
    this.listen(window, "popstate", () => this.#load());
    this.#load();
  }

  async #load(after = "") {
    const { show, state } = this.#filters;
    const query = new URLSearchParams(Object.entries({ show, state, after }).filter(([, text]) => text));
    const asked = (this.#asked = `/api/merchant/orders?${query}`);
    try {
      const { orders, next } = await staff.get(asked);
      if (asked !== this.#asked) return;
      this.orders = after ? this.#and(orders) : orders;
      this.next = next;
      this.error = "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (isSignedOut(error)) this.ask("signed-out");
      this.error = explain(error);
    }
    this.update();
  }

  /** @param {Order[]} more */
  #and(more) {
    return [...(this.orders ?? []), ...more];
  }

  #table() {
    if (!this.orders) return h("div", { key: "bones", class: "panel is-skeleton" }, [1, 2, 3, 4].map(() => h("span", { class: "bone" })));
    if (!this.orders.length) return stateNote({ icon: "box", title: t("merchant.orders.empty"), text: t("merchant.orders.empty.do") });
    return h(
      "div",
      { key: "table", class: "table-room tall-room" },
      h(
        "table",
        { class: "calm stacks", "data-testid": "orders-table" },
        h("thead", null, h("tr", null, h("th", null, t("merchant.order")), h("th", null, t("merchant.placed")), h("th", null, t("merchant.buyer")), h("th", null, t("merchant.goods")), h("th", null, t("merchant.state")), h("th", { class: "right" }, t("merchant.total")))),
        h("tbody", null, this.orders.map(row)),
      ),
      this.next && h("div", { class: "more" }, h("button", { type: "button", class: "button", onclick: () => this.#load(this.next ?? "") }, t("merchant.more"))),
    );
  }
}

/** @param {Order} order */
function row(order) {
  const goods = order.lines.map((line) => `${said(line.title) || line.offer}${line.quantity > 1 ? ` × ${line.quantity}` : ""}`).join(", ");
  return h(
    "tr",
    { key: order.id, "data-order": order.id },
    h("td", { class: "lead-cell tight figures" }, h("a", { href: `/merchant?view=order&order=${encodeURIComponent(order.id)}` }, orderNumber(order.id))),
    h("td", { class: "tight figures", "data-label": t("merchant.placed") }, dayAndTime(order.placed_at, Date.now())),
    h("td", { class: "tight", "data-label": t("merchant.buyer") }, order.contact?.name ?? "–"),
    h("td", { class: "cut", title: goods, "data-label": t("merchant.goods") }, h("span", { class: "goods" }, goods)),
    h("td", { class: "tight", "data-label": t("merchant.state") }, statePill(order.state)),
    h("td", { class: "right tight figures", "data-label": t("merchant.total") }, h("strong", null, money(order.amounts.total, order.amounts.currency))),
  );
}

/** @param {string} state */
function word(state) {
  const key = `state.${state}`;
  return isKey(key) ? t(key) : state;
}

customElements.define("merchant-orders", MerchantOrders);
