/**
 * `<show-page>`: the player. Here everything meets: the feed folds into the store, the watch brings
 * the picture, the gate holds a pin until its frame, the keeper has the cart. State goes down as
 * properties, requests come up as events.
 */

import { pieces } from "../store/cart.js";
import { PinGate } from "../store/pin-gate.js";
import { offersById, offersInOrder, ordersNewestFirst, ShowStore } from "../store/show-store.js";
import { measure, noteOrders, pinShown } from "../store/stats.js";
import { said, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { CartKeeper } from "../transport/cart-keeper.js";
import { forgetTry, lostOrder, placeOrder } from "../transport/checkout.js";
import { followShow } from "../transport/feed.js";
import { buyer, buyerToken } from "../transport/session.js";
import { watchShow } from "../transport/watch.js";
import { idAfter } from "../pages/address.js";
import { announce } from "./announce.js";
import { confirmDeed } from "./confirm.js";
import { SilkElement } from "./element.js";
import { explain } from "./explain.js";
import { stateWord } from "./order-states.js";
import { playerView } from "./player-view.js";

/** @typedef {import("../types.js").Order} Order */

class ShowPage extends SilkElement {
  show = idAfter("shows");
  store = new ShowStore();
  keeper = new CartKeeper(this.show);
  gate = new PinGate((pin, how, received_at) => this.#showPin(pin, how, received_at));
  watch = watchShow(buyer, this.show);
  /** @type {import("../types.js").Show | null} */
  plan = null;
  /** @type {import("../types.js").Pin | null} the pin on screen, which may lag the one in the store */
  pin = null;
  railOpen = false;
  shape = "wide";
  seen = false;
  /** No such show: there will never be anything to see here. */
  unknown = false;
  online = navigator.onLine;
  busy = false;
  error = "";
  /** @type {Record<string, Order>} orders as the shop answered them: with the way to pay, which no feed tells */
  answered = {};
  /** @type {string | null} the order that the sheet shows */
  orderShown = null;

  view() {
    return playerView(this);
  }

  draw() {
    super.draw();
    this.dataset.shape = this.shape;
    this.dataset.rail = this.railOpen ? "open" : "closed";
  }

  entered() {
    this.listen(this.store, "change", (event) => this.#changed(event.detail));
    this.listen(this.keeper, "change", () => this.update());
    this.leaving(this.keeper.share());
    this.listen(window, "online", () => this.#network());
    this.listen(window, "offline", () => this.#network());
    this.listen(this, "keydown", (event) => event.key === "Escape" && this.turnRail(false));
    this.listen(this, "quantity", ({ detail }) => this.keeper.set(detail.offer, detail.quantity));
    this.listen(this, "place", ({ detail }) => this.#place(detail));
    this.listen(this, "cancel-order", ({ detail }) => this.#cancel(detail));
    this.listen(this, "hearts", ({ detail }) => this.#hearts(detail));
    this.listen(this, "shape", ({ detail }) => this.#shape(detail));
    this.listen(this, "phase", ({ detail }) => this.#phase(detail));
    const picture = this.#picture();
    picture.addEventListener("frame", (event) => this.gate.onFrame(/** @type {CustomEvent} */ (event).detail));
    picture.follow(this.watch.start());
    this.#follow();
    this.#plan();
    this.keeper.load();
  }

  #picture() {
    return /** @type {import("./live-picture.js").LivePicture} */ (this.querySelector("live-picture"));
  }

  get sheet() {
    return /** @type {import("./cart-sheet.js").CartSheet} */ (this.querySelector("cart-sheet"));
  }

  async #follow() {
    try {
      const token = await buyerToken();
      const feed = followShow({ show: this.show, token, tell: (message) => this.store.take(message) });
      this.leaving(feed.stop);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.store.take({ kind: "state", state: "lost" });
      setTimeout(() => this.#follow(), 3_000);
    }
  }

  async #plan() {
    try {
      this.plan = await buyer.get(`/api/shows/${encodeURIComponent(this.show)}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    this.update();
  }

  /** The show as planned, overlaid by what is decided since. */
  get now() {
    const live = this.store.entities.show;
    return live || this.plan ? { ...this.plan, ...live } : null;
  }

  get offers() {
    return offersById(this.store.entities);
  }

  get inOrder() {
    return this.store.known ? offersInOrder(this.store.entities) : null;
  }

  /** @returns {Order[]} newest first, each with the way to pay where this page knows it */
  get orders() {
    const live = ordersNewestFirst(this.store.entities).map((order) => ({ ...this.answered[order.id], ...order }));
    const untold = Object.values(this.answered).filter((order) => !live.some(({ id }) => id === order.id));
    return [...untold, ...live];
  }

  get count() {
    return pieces(this.keeper.lines);
  }

  /** @param {{before: Record<string, any>, entities: Record<string, any>}} change */
  #changed({ before, entities }) {
    noteOrders(before, entities);
    if (before.pin !== entities.pin) this.gate.take(entities.pin ?? null);
    this.watch.told(Boolean(before.show?.on_air), Boolean(entities.show?.on_air));
    if (entities.show?.state === "closed" && this.watch.phase !== "stopped") this.watch.stop();
    for (const [key, order] of Object.entries(entities)) {
      if (key.startsWith("order:") && before[key] && before[key].state !== order.state) announce(`${t("order.title")}: ${stateWord(order.state)}`);
    }
    document.title = `${said(this.now?.title) || t("show.untitled")} · Silkcast`;
    this.#findLost();
    this.update();
  }

  /**
   * @param {import("../types.js").Pin | null} pin
   * @param {string} how
   * @param {number} received_at
   */
  #showPin(pin, how, received_at) {
    this.pin = pin;
    if (this.isConnected) this.draw();
    pinShown({ offer: pin?.offer ?? null, pts_90khz: pin?.pts_90khz ?? null, received_at, shown_at: performance.now(), how });
    if (pin) announce(`${t("offer.pinned")}: ${said(this.offers[pin.offer]?.title)}`);
  }

  #network() {
    this.online = navigator.onLine;
    if (this.online) this.watch.hurry();
    this.update();
  }

  /** @param {import("../transport/watch.js").Phase} phase */
  #phase(phase) {
    measure({ phase });
    if (phase === "playing") this.seen = true;
    if (phase === "unknown") this.unknown = true;
    this.update();
  }

  /** @param {{width: number, height: number}} size */
  #shape({ width, height }) {
    if (!width || !height) return;
    this.shape = width > height ? "wide" : "tall";
    this.update();
  }

  /** @param {number} count */
  async #hearts(count) {
    try {
      await buyer.request("POST", `/api/shows/${encodeURIComponent(this.show)}/hearts`, { body: { count } });
    } catch (error) {
      // A heart that got lost is not worth a word.
      if (!(error instanceof Problem)) throw error;
    }
  }

  /** @param {import("../types.js").Contact} contact */
  async #place(contact) {
    const { offers } = this;
    const lines = this.keeper.lines.map(({ offer, quantity }) => ({ offer, quantity, price: offers[offer]?.price ?? 0 }));
    this.#busy(true);
    try {
      const order = await placeOrder(this.show, { lines, contact }, this.orders);
      this.answered[order.id] = order;
      this.#placed(order);
    } catch (error) {
      this.#busy(false, explain(error, { offers: this.offers, currency: this.now?.currency }));
      this.#findLost();
    }
  }

  /** @param {Order} order */
  #placed(order) {
    this.orderShown = order.id;
    this.keeper.clear();
    this.#busy(false);
    this.sheet.open("order");
    announce(stateWord(order.state));
  }

  /** The answer to an order got lost, and the feed tells of it: it is placed, and not to be placed again. */
  #findLost() {
    const order = this.busy ? null : lostOrder(this.show, this.orders);
    if (!order) return;
    forgetTry(this.show);
    this.#placed(order);
    this.#answer(order.id);
  }

  /** @param {Order} order */
  async #cancel(order) {
    const sure = await confirmDeed({ title: t("order.cancel.sure"), text: t("order.cancel.sure.do"), deed: t("order.cancel"), keep: t("order.cancel.keep") });
    if (!sure) return;
    try {
      this.answered[order.id] = await buyer.command(`/api/orders/${encodeURIComponent(order.id)}/cancel`);
    } catch (error) {
      this.error = explain(error);
    }
    this.update();
  }

  /**
   * @param {boolean} busy
   * @param {string} [error]
   */
  #busy(busy, error = "") {
    this.busy = busy;
    this.error = error;
    this.draw();
  }

  /** @param {import("./cart-sheet.js").Step} step */
  openSheet(step) {
    this.error = "";
    if (step === "order") this.orderShown = (this.orders.find((order) => order.state === "awaiting_payment") ?? this.orders[0])?.id ?? null;
    this.draw();
    this.sheet.open(step);
    if (step === "order" && this.orderShown) this.#answer(this.orderShown);
  }

  /** An order told by the feed alone (after a reload, from another tab): ask for the rest of it.
   * @param {string} id
   */
  async #answer(id) {
    if (this.answered[id]) return;
    try {
      this.answered[id] = await buyer.get(`/api/orders/${encodeURIComponent(id)}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.error = explain(error);
    }
    this.update();
  }

  turnRail(open = !this.railOpen) {
    if (this.railOpen === open) return;
    this.railOpen = open;
    this.draw();
    if (this.shape !== "tall") return;
    const next = this.querySelector(open ? "#products" : ".dock-rail");
    /** @type {HTMLElement | null} */ (next)?.focus({ preventScroll: true });
  }
}

export { ShowPage };
customElements.define("show-page", ShowPage);
