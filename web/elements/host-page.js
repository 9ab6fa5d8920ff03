/**
 * `<host-page>`: the host's desk. One key pins; what is on air, what comes next and what happens stay
 * where they are. State comes from the feed alone: a key press changes nothing here by itself.
 */

import { offersById, offersInOrder, ShowStore } from "../store/show-store.js";
import { noteOrders, pinShown } from "../store/stats.js";
import { said, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { followShow } from "../transport/feed.js";
import { anyone, isSignedOut, signOut, staff, staffSession, staffToken } from "../transport/session.js";
import { watchShow } from "../transport/watch.js";
import { idAfter } from "../pages/address.js";
import { announce } from "./announce.js";
import { confirmDeed } from "./confirm.js";
import { SilkElement } from "./element.js";
import { explain } from "./explain.js";
import { hostView } from "./host-view.js";

/** @typedef {import("../types.js").Offer} Offer */

const FRAME_IS_FRESH_MS = 1_000;
const NOTICE_MS = 6_000;

export class HostPage extends SilkElement {
  show = idAfter("host");
  store = new ShowStore();
  watch = watchShow(staff, this.show);
  account = staffSession()?.account ?? null;
  /** @type {{id: string, name: string}[]} */
  studios = [];
  studio = "";
  /** @type {import("../types.js").Show[] | null} to choose from, where the address names none */
  shows = null;
  /** @type {import("../types.js").Show | null} */
  plan = null;
  /** @type {Record<string, import("../types.js").Order>} with masked contacts */
  details = {};
  seen = false;
  notice = "";
  /** Which column a phone shows. */
  tab = "next";
  /** @type {{pts: number, at: number} | null} */
  #frame = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #quiet;

  view() {
    return hostView(this);
  }

  draw() {
    super.draw();
    this.dataset.tab = this.tab;
  }

  entered() {
    this.listen(this.store, "change", (event) => this.#changed(event.detail));
    this.listen(this, "signed-in", ({ detail }) => this.#begin(detail));
    this.listen(this, "sign-out", () => this.leave());
    this.listen(this, "phase", ({ detail }) => this.#phase(detail));
    this.listen(document, "keydown", (event) => this.#key(event));
    if (this.account) this.#begin(this.account);
  }

  /** @param {import("../types.js").Account} account */
  async #begin(account) {
    this.account = account;
    this.draw();
    if (!this.show) return this.#choose();
    this.#preview();
    this.#plan();
    const feed = followShow({ show: this.show, as: "host", token: await staffToken(), tell: (message) => this.store.take(message) });
    this.leaving(feed.stop);
  }

  async #choose() {
    try {
      this.shows = (await anyone.get("/api/shows")).shows;
    } catch (error) {
      this.say(explain(error));
    }
    this.update();
  }

  #preview() {
    const picture = /** @type {import("./live-picture.js").LivePicture | null} */ (this.querySelector("live-picture"));
    if (!picture || picture.watch) return;
    picture.addEventListener("frame", (event) => {
      const pts = /** @type {CustomEvent} */ (event).detail;
      this.#frame = pts === undefined ? null : { pts, at: performance.now() };
    });
    picture.follow(this.watch.start());
  }

  async #plan() {
    const path = `/api/host/shows/${encodeURIComponent(this.show)}`;
    try {
      [this.plan, { studios: this.studios }] = await Promise.all([staff.get(`/api/shows/${encodeURIComponent(this.show)}`), staff.get(`${path}/studios`)]);
      this.studio ||= this.plan?.studio ?? this.studios[0]?.id ?? "";
      const { orders } = await staff.get(`${path}/orders`);
      this.details = Object.fromEntries(orders.map((/** @type {any} */ order) => [order.id, order]));
    } catch (error) {
      this.#failed(error);
    }
    this.update();
  }

  get now() {
    const live = this.store.entities.show;
    return live || this.plan ? { ...this.plan, ...live } : null;
  }

  get inOrder() {
    return this.store.known ? offersInOrder(this.store.entities) : null;
  }

  get pinned() {
    const pin = this.store.entities.pin;
    return pin ? offersById(this.store.entities)[pin.offer] : undefined;
  }

  /** @param {{before: Record<string, any>, entities: Record<string, any>}} change */
  #changed({ before, entities }) {
    noteOrders(before, entities);
    if (this.store.feed === "refused") this.leave();
    this.watch.told(Boolean(before.show?.on_air), Boolean(entities.show?.on_air));
    if (before.pin !== entities.pin) this.#pinTold(entities.pin);
    if (Object.keys(entities).some((key) => key.startsWith("order:") && !before[key])) announce(t("host.orders"));
    document.title = `${said(this.now?.title) || t("host.title")} · Silkcast`;
    this.update();
  }

  /** @param {import("../types.js").Pin | undefined} pin */
  #pinTold(pin) {
    const at = performance.now();
    pinShown({ offer: pin?.offer ?? null, pts_90khz: pin?.pts_90khz ?? null, received_at: at, shown_at: at, how: "at_once" });
  }

  /** @param {import("../transport/watch.js").Phase} phase */
  #phase(phase) {
    if (phase === "playing") this.seen = true;
    this.update();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || !this.account) return;
    if (event.key >= "1" && event.key <= "9") {
      const offer = this.inOrder?.[Number(event.key) - 1];
      if (offer) this.pin(offer);
    } else if (event.key.toLowerCase() === "u" || event.key.toLowerCase() === "г") {
      this.unpin();
    }
  }

  /** @param {Offer} offer */
  pin(offer) {
    const fresh = this.#frame && performance.now() - this.#frame.at < FRAME_IS_FRESH_MS;
    return this.command("pin", { offer: offer.id, pts_90khz: fresh ? this.#frame?.pts : null });
  }

  unpin() {
    if (this.store.entities.pin) this.command("unpin");
  }

  /**
   * @param {string} deed
   * @param {Record<string, any>} [body]
   * @returns {Promise<boolean>} whether it was done
   */
  async command(deed, body = {}) {
    try {
      await staff.command(`/api/host/shows/${encodeURIComponent(this.show)}/${deed}`, body);
      this.say("");
      return true;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  async close() {
    const sure = await confirmDeed({ title: t("host.close.sure"), text: t("host.close.sure.do"), deed: t("host.close") });
    if (sure) this.command("close");
  }

  /** @param {Offer} offer */
  async withdraw(offer) {
    const sure = await confirmDeed({ title: t("host.withdraw.sure"), text: said(offer.title), deed: t("host.withdraw.do") });
    if (sure) this.command("withdraw", { offer: offer.id });
  }

  /**
   * @param {Offer} offer
   * @param {number} by places down, negative up
   */
  move(offer, by) {
    const ids = (this.inOrder ?? []).map(({ id }) => id);
    const from = ids.indexOf(offer.id);
    const to = Math.max(0, Math.min(ids.length - 1, from + by));
    ids.splice(to, 0, ...ids.splice(from, 1));
    this.command("rundown", { offers: ids });
  }

  /** @param {unknown} error */
  #failed(error) {
    if (!(error instanceof Problem)) throw error;
    if (isSignedOut(error)) this.account = null;
    this.say(explain(error, { offers: offersById(this.store.entities), currency: this.now?.currency }));
  }

  /** @param {string} words */
  say(words) {
    clearTimeout(this.#quiet);
    this.notice = words;
    if (words) this.#quiet = setTimeout(() => this.say(""), NOTICE_MS);
    this.update();
  }

  async leave() {
    await signOut();
    location.reload();
  }
}

customElements.define("host-page", HostPage);
