/**
 * Placing an order exactly once: the key of a try lives in the tab until somebody decided, so that a
 * second press, a reload or a lost answer is the same order; another cart or address is another.
 */

import { newKey, Problem } from "./api.js";
import { keep, kept } from "./keep.js";
import { buyer } from "./session.js";

const UNDECIDED = new Set(["Offline", "Busy", "NoAnswer", "RateLimited"]);

/**
 * @param {string} show
 * @param {{lines: {offer: string, quantity: number, price: number}[], contact: import("../types.js").Contact}} body
 * @returns {Promise<import("../types.js").Order>}
 */
export async function placeOrder(show, body) {
  const name = `checkout.${show}`;
  const print = fingerprint(JSON.stringify(body));
  const before = kept("session", name);
  const key = before?.print === print ? before.key : newKey();
  keep("session", name, { print, key });
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
