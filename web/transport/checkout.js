/**
 * Placing an order exactly once: the key of a try lives in the tab until somebody decided, so that a
 * second press, a reload or a lost answer is the same order; another cart or address is another. An order
 * whose answer got lost is known again when the feed tells of it.
 */

import { newKey, Problem } from "./api.js";
import { keep, kept } from "./keep.js";
import { buyer } from "./session.js";

const UNDECIDED = new Set(["Offline", "Busy", "NoAnswer", "RateLimited"]);

/** @typedef {import("../types.js").Order} Order */
/** @typedef {{offer: string, quantity: number, price: number}[]} Lines */

/** @param {string} show */
const nameOf = (show) => `checkout.${show}`;

/**
 * @param {string} show
 * @param {{lines: Lines, contact: import("../types.js").Contact}} body
 * @param {Order[]} known the orders that there are without this one
 * @returns {Promise<import("../types.js").Order>}
 */
export async function placeOrder(show, body, known) {
  const name = nameOf(show);
  const print = fingerprint(JSON.stringify(body));
  const before = kept("session", name);
  const key = before?.print === print ? before.key : newKey();
  const ids = key === before?.key ? before.known : known.map(({ id }) => id);
  keep("session", name, { print, key, lines: body.lines, known: ids });
  try {
    const order = await buyer.command(`/api/shows/${encodeURIComponent(show)}/orders`, body, key);
    keep("session", name, null);
    return order;
  } catch (error) {
    if (error instanceof Problem && !UNDECIDED.has(error.code)) keep("session", name, null);
    throw error;
  }
}

/**
 * The order that was tried and never answered, once it is among those that the feed tells of.
 * @param {string} show
 * @param {Order[]} orders
 */
export function lostOrder(show, orders) {
  const tried = kept("session", nameOf(show));
  if (!tried?.lines) return null;
  return orders.find(({ id, lines }) => !tried.known.includes(id) && sum(lines) === sum(tried.lines)) ?? null;
}

/** @param {string} show */
export function forgetTry(show) {
  keep("session", nameOf(show), null);
}

/** @param {Lines} lines */
function sum(lines) {
  return lines.map(({ offer, quantity, price }) => `${quantity} ${price} ${offer}`).join("\n");
}

/**
 * Tells two bodies apart without keeping a name or an address (FNV-1a, 64 bit).
 * @param {string} text
 */
function fingerprint(text) {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16);
}
