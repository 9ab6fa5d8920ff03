/**
 * The cart of one show: changed here at once, kept by the shop a moment later, kept by the browser in
 * between, for all its tabs. One request is under way at a time and the newest wish wins.
 */

import { withQuantity } from "../store/cart.js";
import { Problem } from "./api.js";
import { pause, waitMs } from "./backoff.js";
import { keep, kept, onKept } from "./keep.js";
import { buyer } from "./session.js";

export class CartKeeper extends EventTarget {
  /** @type {import("../store/cart.js").Wish[]} */
  lines = [];
  /** @type {import("../types.js").Amounts | null} as the shop last said, for `lines` or older ones */
  amounts = null;
  #dirty = false;
  #sending = false;
  #attempt = 0;

  /** @param {string} show */
  constructor(show) {
    super();
    this.show = show;
    this.path = `/api/shows/${encodeURIComponent(show)}/cart`;
    this.lines = kept("local", `cart.${show}`) ?? [];
  }

  async load() {
    try {
      const cart = await buyer.get(this.path);
      if (!this.#dirty) this.#take(cart);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      // The browser's own copy serves until the shop answers.
    }
  }

  /** Hears of what other tabs put in and take out, until told to stop. */
  share() {
    return onKept(`cart.${this.show}`, (lines) => {
      if (this.#dirty || this.#sending) return;
      this.lines = lines ?? [];
      this.dispatchEvent(new Event("change"));
    });
  }

  /**
   * @param {string} offer
   * @param {number} quantity
   */
  set(offer, quantity) {
    this.#change(withQuantity(this.lines, offer, quantity));
  }

  /** The order took it all. */
  clear() {
    this.amounts = null;
    this.#change([]);
  }

  /** @param {import("../store/cart.js").Wish[]} lines */
  #change(lines) {
    this.lines = lines;
    this.#dirty = true;
    keep("local", `cart.${this.show}`, lines.length ? lines : null);
    this.dispatchEvent(new Event("change"));
    this.#send();
  }

  async #send() {
    if (this.#sending) return;
    this.#sending = true;
    while (this.#dirty) {
      this.#dirty = false;
      try {
        const cart = await buyer.request("PUT", this.path, { body: { lines: this.lines } });
        this.#attempt = 0;
        if (!this.#dirty) this.#take(cart);
      } catch (error) {
        if (!(error instanceof Problem) || (error.status >= 400 && error.status < 500 && error.status !== 429)) break;
        this.#dirty = true;
        await pause(waitMs(this.#attempt++, Math.random(), error.retry_after_ms));
      }
    }
    this.#sending = false;
  }

  /** @param {import("../types.js").Cart} cart */
  #take({ lines, amounts }) {
    this.lines = lines.map(({ offer, quantity }) => ({ offer, quantity }));
    this.amounts = amounts;
    keep("local", `cart.${this.show}`, this.lines.length ? this.lines : null);
    this.dispatchEvent(new Event("change"));
  }
}
