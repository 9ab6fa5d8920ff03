/**
 * Keeps a picture coming: asks the shop for a seat, opens WHEP there, and when that ends, for
 * whatever reason, does it again with a growing wait. It never touches the cart.
 */

import { Problem } from "./api.js";
import { pause, waitMs } from "./backoff.js";
import { openWhep, prepareWhep } from "./whep.js";

/**
 * joining: on the way to the first picture · waiting: not on air · connected: media may come ·
 * playing: frames are shown · lost: had a picture, getting another · full · unknown: no such show
 * @typedef {"joining" | "waiting" | "connected" | "playing" | "lost" | "full" | "unknown" | "stopped"} Phase
 */

const LONGEST_WAIT_FOR_AIR_MS = 5_000;
const EAGER_TRIES = 12;

export class Watch extends EventTarget {
  /** @type {Phase} */
  phase = "joining";
  /** @type {import("./whep.js").WhepSession | null} */
  session = null;
  seats = 0;
  /** performance.now() when the seat now used was asked for */
  asked_at = 0;
  #stopped = new AbortController();
  #waking = new AbortController();
  #shown = false;
  /** How many refusals are still taken for "any moment now". */
  #eager = 0;
  #attempt = 0;

  /** @param {(signal: AbortSignal) => Promise<import("../types.js").Seat>} askSeat */
  constructor(askSeat) {
    super();
    this.askSeat = askSeat;
  }

  start() {
    this.#run();
    return this;
  }

  stop() {
    this.#stopped.abort();
    this.session?.leave();
    this.#turn("stopped");
  }

  /** Something changed for the better (on air, network back): do not wait any longer, and ask often for a while. */
  hurry() {
    this.#eager = EAGER_TRIES;
    this.#waking.abort();
  }

  /**
   * The feed told whether the show is on air: gone off, the picture is over though the peer may not know yet.
   * @param {boolean} before
   * @param {boolean} now
   */
  told(before, now) {
    if (now && !before) this.hurry();
    if (before && !now) this.abandon();
  }

  /** The picture stands still though the session lives: take another seat. */
  abandon() {
    this.session?.leave();
  }

  /** The first frame of the present session is on screen. */
  frameShown() {
    this.#shown = true;
    this.#attempt = 0;
    this.#turn("playing");
  }

  async #run() {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const asked_ms = await this.#sit(signal);
      if (signal.aborted || asked_ms === null) return;
      this.#waking = new AbortController();
      await pause(waitMs(this.#attempt, Math.random(), asked_ms), AbortSignal.any([signal, this.#waking.signal]));
      this.#attempt += 1;
    }
  }

  /**
   * One seat, from asking to its end.
   * @param {AbortSignal} signal
   * @returns {Promise<number | null>} the wait that was asked for; null when there is nothing to wait for
   */
  async #sit(signal) {
    if (this.phase !== "waiting" && this.phase !== "full") this.#turn(this.#shown ? "lost" : "joining");
    this.asked_at = performance.now();
    const prepared = prepareWhep();
    try {
      const seat = await this.askSeat(signal);
      this.session = await openWhep(seat.whep, seat.token, { ice: seat.ice, signal, repeats: 0, prepared });
      this.seats += 1;
      this.#turn("connected");
      await this.session.lost;
      return 0;
    } catch (error) {
      prepared.peer.close();
      return this.#refused(/** @type {any} */ (error));
    } finally {
      this.session = null;
    }
  }

  /** @param {{code?: string, status?: number, retry_after_ms?: number}} error */
  #refused({ code, status = 0, retry_after_ms = 0 }) {
    if (code === "UnknownShow") {
      this.#turn("unknown");
      return null;
    }
    if (code === "NotOnAir" || code === "ShowNotOpen" || status === 409) {
      this.#attempt = 0;
      this.#turn("waiting");
      // The feed says "on air" a moment before the relay has its first keyframe.
      if (this.#eager-- > 0) return 0;
      return Math.min(Math.max(retry_after_ms, 1_000), LONGEST_WAIT_FOR_AIR_MS);
    }
    this.#turn(this.#shown ? "lost" : status === 503 ? "full" : "joining");
    return retry_after_ms;
  }

  /** @param {Phase} phase */
  #turn(phase) {
    if (this.phase === phase && phase !== "connected") return;
    this.phase = phase;
    this.dispatchEvent(new Event("phase"));
  }
}

/**
 * A Watch of a show's public picture.
 * @param {import("./api.js").Api} api whose token asks for the seat
 * @param {string} show
 */
export function watchShow(api, show) {
  const path = `/api/shows/${encodeURIComponent(show)}/seat`;
  return new Watch((signal) => api.request("POST", path, { body: {}, signal }));
}

/** @param {unknown} error */
export function isOffline(error) {
  return error instanceof Problem && error.code === "Offline";
}
