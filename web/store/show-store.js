/**
 * The state of one show as the page knows it, folded from a feed. Knows no element and no transport:
 * messages come in by `take`, everyone who cares hears `change`.
 */

import { reduce } from "./reduce.js";

/** @typedef {import("../types.js").Offer} Offer */
/** @typedef {import("../types.js").Entities} Entities */

export class ShowStore extends EventTarget {
  /** @type {Entities} */
  entities = {};
  /** @type {import("../types.js").FeedState} */
  feed = "connecting";
  /** Nothing is known before the first snapshot. */
  known = false;
  ahead_ms = 0;

  /** @param {import("../types.js").FeedMessage} message */
  take(message) {
    const before = this.entities;
    if (message.kind === "state") this.feed = message.state ?? this.feed;
    else this.entities = reduce(before, message);
    if (message.kind === "snapshot") {
      this.known = true;
      this.ahead_ms = message.ahead_ms ?? 0;
    }
    this.dispatchEvent(new CustomEvent("change", { detail: { before, entities: this.entities } }));
  }
}

/**
 * The offers in the order of the rundown, without those taken off.
 * @param {Entities} entities
 * @returns {Offer[]}
 */
export function offersInOrder(entities) {
  const ids = /** @type {string[]} */ (entities.rundown ?? []);
  return ids.map((id) => entities[`offer:${id}`]).filter((offer) => offer && !offer.withdrawn);
}

/**
 * @param {Entities} entities
 * @returns {Record<string, Offer>} by id, those taken off too
 */
export function offersById(entities) {
  return Object.fromEntries(valuesOf(entities, "offer:").map((offer) => [offer.id, offer]));
}

/**
 * @param {Entities} entities
 * @returns {import("../types.js").Order[]} newest first
 */
export function ordersNewestFirst(entities) {
  return valuesOf(entities, "order:").sort((a, b) => b.placed_at - a.placed_at || (a.id < b.id ? 1 : -1));
}

/**
 * @param {Entities} entities
 * @param {string} prefix
 * @returns {any[]}
 */
export function valuesOf(entities, prefix) {
  return Object.entries(entities)
    .filter(([key]) => key.startsWith(prefix))
    .map(([, value]) => value);
}

/** Nothing is sold any more; what is held may still be paid.
 * @param {{state?: string} | null | undefined} show
 */
export function isOver(show) {
  return show?.state === "closed" || show?.state === "closing";
}

// "4 left" is worth a word; "40 left" is not.
export const FEW = 5;

/** @param {Offer} offer */
export function isFew(offer) {
  return !offer.sold_out && offer.available > 0 && offer.available <= FEW;
}

// "at most 2 each" is worth a word; a limit that nobody meets is noise.
const TIGHT = 5;

/** @param {Offer} offer */
export function isTight(offer) {
  return offer.limit !== null && offer.limit <= TIGHT;
}

/** @param {Offer | undefined} offer */
export function canBuy(offer) {
  return Boolean(offer && !offer.sold_out && !offer.withdrawn && offer.available > 0);
}

/**
 * How many of an offer one buyer may put into a cart.
 * @param {Offer} offer
 */
export function mostOf(offer) {
  return Math.max(0, Math.min(offer.available, offer.limit ?? Infinity, 99));
}
