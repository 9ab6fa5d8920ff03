/**
 * Keeps a picture coming: asks the shop for a seat, opens WHEP there, and when that ends, for
 * whatever reason, does it again with a growing wait. It never touches the cart.
 */

import { Problem } from "./api.js";
import { pause, waitMs } from "./backoff.js";
import { RECONNECT } from "./whep-events.js";
import { bringsPicture, openWhep, prepareWhep } from "./whep.js";

/**
 * joining: on the way to the first picture · waiting: not on air · connected: media may come ·
 * playing: frames are shown · lost: had a picture, getting another · full · unknown: no such show
 * @typedef {"joining" | "waiting" | "connected" | "playing" | "lost" | "full" | "unknown" | "stopped"} Phase
 */

const LONGEST_WAIT_FOR_AIR_MS = 5_000;
const EAGER_TRIES = 12;
// A session that was left for another one ends at the latest so long after it.
const HANDED_OVER_LIMIT_MS = 3_000;

export class Watch extends EventTarget {
  /** @type {Phase} */
  phase = "joining";
  /** @type {import("./whep.js").WhepSession | null} */
  session = null;
  seats = 0;
  /** how often another relay was moved to before the old one had ended */
  moves = 0;
  /** performance.now() when the seat now used was asked for */
  asked_at = 0;
  #stopped = new AbortController();
  #waking = new AbortController();
  #shown = false;
  /** How many refusals are still taken for "any moment now". */
  #eager = 0;
  #attempt = 0;
  /** The address that just failed us. */
  #avoid = "";
  /** Ends the session before the present one, whose picture is still on screen. */
  #leaveOld = () => {};

  /** @param {(signal: AbortSignal, avoid: string) => Promise<import("../types.js").Seat>} askSeat */
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
    this.#leaveOld();
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
    if (before !== now) this.#avoid = "";
  }

  /** The picture stands still though the session lives: take another seat. */
  abandon() {
    this.session?.leave();
  }

  /** The first frame of the present session is on screen. */
  frameShown() {
    this.#shown = true;
    this.#attempt = 0;
    this.#leaveOld();
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
      const seat = await this.askSeat(signal, this.#avoid);
      this.#avoid = seat.whep;
      this.session = await openWhep(seat.whep, seat.token, { ice: seat.ice, signal, repeats: 0, prepared });
      this.seats += 1;
      this.#turn("connected");
      await this.#stay(this.session, signal);
      return 0;
    } catch (error) {
      prepared.peer.close();
      return this.#refused(/** @type {any} */ (error));
    } finally {
      this.#leaveOld();
      this.session = null;
    }
  }

  /**
   * Until no session is left. A relay that goes away says so, and the next one's picture is there before
   * its own is given up.
   * @param {import("./whep.js").WhepSession} session
   * @param {AbortSignal} signal
   */
  async #stay(session, signal) {
    let here = session;
    while ((await Promise.race([here.lost, here.reconnect])) === RECONNECT && !signal.aborted) {
      const next = await this.#openBeside(here, signal);
      if (!next) return void (await here.lost);
      this.#handOver(here, next);
      here = next;
    }
  }

  /**
   * Another session on another relay, with a picture; null when the old one ended before.
   * @param {import("./whep.js").WhepSession} old
   * @param {AbortSignal} signal
   */
  async #openBeside(old, signal) {
    let ended = false;
    old.lost.then(() => (ended = true));
    for (let attempt = 0; !ended && !signal.aborted; attempt += 1) {
      let asked_ms = 0;
      try {
        const seat = await this.askSeat(signal, this.#avoid);
        const next = await openWhep(seat.whep, seat.token, { ice: seat.ice, signal, repeats: 0 });
        if (await bringsPicture(next)) {
          this.#avoid = seat.whep;
          return next;
        }
        next.leave();
      } catch (error) {
        asked_ms = /** @type {any} */ (error).retry_after_ms ?? 0;
      }
      await pause(waitMs(attempt, Math.random(), asked_ms), AbortSignal.any([signal, lostAsSignal(old)]));
    }
    return null;
  }

  /**
   * @param {import("./whep.js").WhepSession} old
   * @param {import("./whep.js").WhepSession} next
   */
  #handOver(old, next) {
    this.#leaveOld();
    const late = setTimeout(() => this.#leaveOld(), HANDED_OVER_LIMIT_MS);
    this.#leaveOld = () => {
      clearTimeout(late);
      this.#leaveOld = () => {};
      old.leave();
    };
    this.session = next;
    this.moves += 1;
    this.#turn("connected");
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
  return new Watch((signal, avoid) => api.request("POST", path, { body: avoid ? { avoid } : {}, signal }));
}

/** @param {import("./whep.js").WhepSession} session */
function lostAsSignal(session) {
  const lost = new AbortController();
  session.lost.then(() => lost.abort());
  return lost.signal;
}

/** @param {unknown} error */
export function isOffline(error) {
  return error instanceof Problem && error.code === "Offline";
}
