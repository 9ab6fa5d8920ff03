/** `<order-page>`: one order of this browser: where it is, what to pay, what is in it. */

import { ShowStore } from "../store/show-store.js";
import { dayAndTime, language, money, said, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { followShow } from "../transport/feed.js";
import { saveFile } from "../transport/save-file.js";
import { buyer, buyerToken } from "../transport/session.js";
import { idAfter } from "../pages/address.js";
import { amountLines } from "./amounts.js";
import { announce } from "./announce.js";
import { askForm } from "./ask-form.js";
import { confirmDeed } from "./confirm.js";
import { h } from "./dom.js";
import { SilkElement } from "./element.js";
import { explain } from "./explain.js";
import "./hold-clock.js";
import { icon } from "./icon.js";
import { isEnded, ROAD, stateAdvice, stateWord, stepOf } from "./order-states.js";
import { orderNumber } from "./order-number.js";
import "./page-head.js";
import { payLink } from "./pay.js";
import { productPicture } from "./product-picture.js";
import { refundRow } from "./refund-row.js";
import { piecesLeft, readPieces, returnFields } from "./return-fields.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("../types.js").Order} Order */

// From `paid` on the books own the order and no feed tells of it.
const LOOK_EVERY_MS = 20_000;
const REASONS = /** @type {const} */ (["return.reason.damaged", "return.reason.wrong_goods", "return.reason.not_as_shown", "return.reason.changed_mind", "return.reason.other"]);

class OrderPage extends SilkElement {
  id = idAfter("orders");
  store = new ShowStore();
  /** @type {Order | null} */
  order = null;
  /** @type {Problem | null} */
  problem = null;
  error = "";
  #following = false;

  view() {
    return [h("page-head", { key: "head" }), h("main", { key: "main", class: "page order" }, this.#body())];
  }

  #body() {
    if (this.order) return this.#order(this.order);
    if (!this.problem) return h("div", { class: "order-bones is-skeleton", "aria-busy": "true" }, [1, 2, 3].map(() => h("span", { class: "bone" })));
    if (this.problem.code === "UnknownOrder" || this.problem.status === 404 || this.problem.status === 403) {
      const home = h("a", { class: "button", href: "/" }, t("shows.other"));
      return stateNote({ icon: "box", title: t("order.unknown"), text: t("order.unknown.do"), action: home, testid: "state-unknown" });
    }
    const again = h("button", { class: "button accent", type: "button", onclick: () => this.#look() }, t("retry"));
    return stateNote({ icon: "cloud", title: t("error.title"), text: explain(this.problem), action: again, testid: "state-error" });
  }

  /** @param {Order} order */
  #order(order) {
    return [
      h("div", { key: "lead", class: "lead" }, h("h1", null, t("order.number", { id: orderNumber(order.id) })), h("p", { class: "quiet" }, t("order.placed", { when: dayAndTime(order.placed_at, Date.now()) }))),
      h("section", { key: "state", class: "panel order-now", "aria-live": "polite" }, this.#state(order)),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      stepOf(order.state) > 0 && h("section", { key: "road", class: "panel" }, h("h2", null, t("order.progress")), road(order.state)),
      h("section", { key: "goods", class: "panel" }, h("h2", null, t("order.goods")), h("ul", { class: "cart-lines" }, order.lines.map((line) => goods(line, order.amounts.currency))), h("div", { class: "cart-sum" }, amountLines(order.amounts))),
      this.#back(order),
      order.contact && h("section", { key: "contact", class: "panel" }, h("h2", null, t("order.contact")), h("address", { class: "contact" }, order.contact.name, h("br", null), order.contact.phone, h("br", null), order.contact.address, order.contact.email && [h("br", null), order.contact.email])),
      h(
        "div",
        { key: "ways", class: "order-ways" },
        h("a", { class: "button plain", href: `/shows/${encodeURIComponent(order.show)}` }, t("order.toshow")),
        order.state === "awaiting_payment" && h("button", { key: "cancel", type: "button", class: "button plain", "data-testid": "cancel-order", onclick: () => this.#cancel(order) }, t("order.cancel")),
        order.refunds && h("button", { key: "invoice", type: "button", class: "button plain", "data-testid": "invoice", onclick: () => this.#invoice(order) }, t("merchant.invoice")),
        mayReturn(order) && h("button", { key: "return", type: "button", class: "button plain", "data-testid": "ask-return", onclick: () => this.#return(order) }, t("return.ask")),
        order.contact && isEnded(order.state) && h("button", { key: "erase", type: "button", class: "button plain", "data-testid": "erase", onclick: () => this.#erase(order) }, t("erase.ask")),
      ),
    ];
  }

  /** @param {Order} order */
  #state(order) {
    const over = order.state === "lapsed" || order.state === "cancelled";
    if (order.state === "awaiting_payment" && order.held_until) {
      return h(
        "div",
        { key: "awaiting", class: "order-state", "data-testid": "order-state", "data-state": order.state },
        h("p", { class: "quiet" }, t("order.held")),
        h("p", { class: "order-clock" }, h("hold-clock", { ".until": order.held_until, ".ahead_ms": this.store.ahead_ms, onover: () => this.#look() })),
        h("p", { class: "quiet" }, stateAdvice(order.state)),
        payLink(order),
      );
    }
    return h(
      "div",
      { key: "told", class: `order-state ${over ? "is-over" : "is-good"}`, "data-testid": "order-state", "data-state": order.state },
      icon(over ? "close" : "check"),
      h("p", { class: "order-word" }, stateWord(order.state)),
      h("p", { class: "quiet" }, stateAdvice(order.state)),
    );
  }

  /** Money on its way back, and goods that are to go back.
   * @param {Order} order
   */
  #back({ refunds = [], returns = [], lines }) {
    if (!refunds.length && !returns.length) return null;
    const wish = (/** @type {import("../types.js").Return} */ one) =>
      h(
        "li",
        { key: one.asked_at, class: "refund" },
        h("span", null, one.lines.map(({ line, pieces }) => `${pieces} × ${said(lines[line]?.title)}`).join(", ")),
        h("span", { class: `pill ${one.state === "asked" ? "warn" : ""}` }, t(`return.${one.state}`)),
        h("span", { class: "quiet small figures refund-when" }, dayAndTime(one.asked_at, Date.now())),
      );
    return h("section", { key: "back", class: "panel", "data-testid": "back" }, h("h2", null, t("order.back")), h("ul", { class: "refunds" }, refunds.map(refundRow), returns.map(wish)));
  }

  entered() {
    this.listen(this.store, "change", () => this.#told());
    this.listen(document, "visibilitychange", () => document.hidden || this.#look());
    const looking = setInterval(() => document.hidden || !this.order || isEnded(this.order.state) || this.#look(), LOOK_EVERY_MS);
    this.leaving(() => clearInterval(looking));
    this.#sentBack();
    this.#look();
  }

  /** The way to pay led back here (`?bank=silent`): say so once, not again after a reload. */
  #sentBack() {
    if (new URLSearchParams(location.search).get("bank") !== "silent") return;
    history.replaceState(null, "", location.pathname);
    this.error = t("error.BankSilent");
    this.update();
  }

  async #look() {
    try {
      this.#take(await buyer.get(`/api/orders/${encodeURIComponent(this.id)}`));
      this.problem = null;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.problem = error;
    }
    this.update();
  }

  /** @param {Order} order */
  #take(order) {
    if (this.order && this.order.state !== order.state) announce(stateWord(order.state));
    this.order = order;
    document.title = `${t("order.number", { id: orderNumber(order.id) })} · Silkcast`;
    if (!this.#following) this.#follow(order.show);
  }

  /** @param {string} show */
  async #follow(show) {
    this.#following = true;
    const feed = followShow({ show, token: await buyerToken(), tell: (message) => this.store.take(message) });
    this.leaving(feed.stop);
  }

  /** The show's feed told something: if it was of this order, the whole of it is asked for. */
  #told() {
    const live = this.store.entities[`order:${this.id}`];
    if (live && this.order && (live.state !== this.order.state || live.held_until !== this.order.held_until)) this.#look();
    this.update();
  }

  /** @param {Order} order */
  async #return(order) {
    const reasons = h("div", { class: "field" }, h("label", { for: "reason" }, t("return.why")), h("select", { id: "reason", name: "reason" }, REASONS.map((reason) => h("option", { key: reason, value: reason }, t(reason)))));
    const only = order.lines.filter((line) => piecesLeft(line) > 0).length === 1;
    const fields = [returnFields(order.lines, (_, line) => (only ? piecesLeft(line) : 0)), reasons];
    const written = await askForm({ title: t("return.ask"), text: t("return.ask.do"), deed: t("return.send"), fields });
    const lines = written ? readPieces(written) : [];
    if (!written || !lines.length) return;
    const reason = String(written.get("reason")).replace("return.reason.", "");
    await this.#try(async () => this.#take(await buyer.command(`/api/orders/${encodeURIComponent(order.id)}/return`, { version: order.version, lines, reason })));
  }

  /** @param {Order} order */
  async #invoice(order) {
    const name = `invoice-${order.id.split(".")[0]}.pdf`;
    await this.#try(() => saveFile(buyer, `/api/orders/${encodeURIComponent(order.id)}/invoice?language=${language()}`, name));
  }

  /** @param {Order} order */
  async #erase(order) {
    if (!(await confirmDeed({ title: t("erase.sure"), text: t("erase.sure.do"), deed: t("erase.ask") }))) return;
    await this.#try(async () => {
      await buyer.request("POST", `/api/orders/${encodeURIComponent(order.id)}/erasure`, { body: {} });
      await this.#look();
      announce(t("erase.done"));
    });
  }

  /** @param {() => Promise<any>} work */
  async #try(work) {
    this.error = "";
    try {
      await work();
    } catch (error) {
      if (error instanceof Problem && error.code === "VersionDiffers") await this.#look();
      this.error = explain(error);
    }
    this.update();
  }

  /** @param {Order} order */
  async #cancel(order) {
    const sure = await confirmDeed({ title: t("order.cancel.sure"), text: t("order.cancel.sure.do"), deed: t("order.cancel"), keep: t("order.cancel.keep") });
    if (!sure) return;
    await this.#try(async () => this.#take(await buyer.command(`/api/orders/${encodeURIComponent(order.id)}/cancel`)));
  }
}

/** @param {Order} order */
function mayReturn(order) {
  const sent = order.state === "shipped" || order.state === "delivered";
  return sent && !order.returns?.some(({ state }) => state === "asked") && order.lines.some((line) => piecesLeft(line) > 0);
}

/** @param {string} state */
function road(state) {
  const at = stepOf(state);
  return h(
    "ol",
    { class: "road" },
    ROAD.map((step, index) => h("li", { key: step, class: index < at ? "is-done" : index === at ? "is-here" : "", "aria-current": index === at ? "step" : null }, stateWord(step))),
  );
}

/**
 * @param {import("../types.js").Line} line
 * @param {string} currency
 */
function goods(line, currency) {
  return h(
    "li",
    { key: line.offer, class: "cart-line" },
    productPicture(line.image, ""),
    h("div", { class: "cart-words" }, h("p", { class: "cart-name" }, said(line.title) || line.offer), h("p", { class: "quiet figures" }, `${line.quantity} × ${money(line.price, currency)}`)),
    h("strong", { class: "figures" }, money(line.price * line.quantity, currency)),
  );
}

customElements.define("order-page", OrderPage);
