/**
 * Holds a pin back until its frame is on screen. Knows program time; time and timers are arguments.
 */

import { LONGEST_WAIT_MS, whenToShow } from "./program-time.js";

/** @typedef {import("../types.js").Pin} Pin */
/** @typedef {"at_once" | "on_frame" | "at_limit"} How */

// A frame older than this is not "on screen": the picture stands, and nothing is to be waited for.
const FRAME_IS_FRESH_MS = 1_000;

export class PinGate {
  /**
   * @param {(pin: Pin | null, how: How, received_at: number) => void} show
   * @param {{now?: () => number, later?: (work: () => void, ms: number) => any, never?: (timer: any) => void}} [time]
   */
  constructor(show, { now = () => performance.now(), later = setTimeout, never = clearTimeout } = {}) {
    this.show = show;
    // Called bare: a browser's timers refuse to be methods of another object.
    this.now = () => now();
    this.later = (/** @type {() => void} */ work, /** @type {number} */ ms) => later(work, ms);
    this.never = (/** @type {any} */ timer) => never(timer);
    /** @type {{pin: Pin, received_at: number, timer: any} | null} */
    this.pending = null;
    /** @type {{pts: number, at: number} | null} */
    this.frame = null;
  }

  /** @param {Pin | null} pin the newest wish of the shop; null shows nothing, at once */
  take(pin) {
    this.#forget();
    const received_at = this.now();
    if (!pin) return this.show(null, "at_once", received_at);
    const how = whenToShow(pin.pts_90khz, this.#shownPts(received_at), 0);
    if (how !== "wait") return this.show(pin, how, received_at);
    this.pending = { pin, received_at, timer: this.later(() => this.#settle(), LONGEST_WAIT_MS) };
  }

  /** @param {number | undefined} pts RTP timestamp of the frame now on screen */
  onFrame(pts) {
    this.frame = pts === undefined ? null : { pts, at: this.now() };
    if (this.pending) this.#settle();
  }

  #settle() {
    if (!this.pending) return;
    const { pin, received_at } = this.pending;
    const now = this.now();
    const how = whenToShow(pin.pts_90khz, this.#shownPts(now), now - received_at);
    if (how === "wait") return;
    this.#forget();
    this.show(pin, how, received_at);
  }

  #forget() {
    if (this.pending) this.never(this.pending.timer);
    this.pending = null;
  }

  /** @param {number} now */
  #shownPts(now) {
    return this.frame && now - this.frame.at < FRAME_IS_FRESH_MS ? this.frame.pts : null;
  }
}
