/** What a cart costs and whether it can be ordered. Pure; amounts in minor units. */

/** @typedef {import("../types.js").Offer} Offer */
/** @typedef {import("../types.js").Amounts} Amounts */
/** @typedef {{offer: string, quantity: number}} Wish */

import { canBuy } from "./show-store.js";

/**
 * @param {Wish[]} lines
 * @param {string} offer
 * @param {number} quantity 0 takes the line out
 * @returns {Wish[]}
 */
export function withQuantity(lines, offer, quantity) {
  if (quantity <= 0) return lines.filter((line) => line.offer !== offer);
  if (!lines.some((line) => line.offer === offer)) return [...lines, { offer, quantity }];
  return lines.map((line) => (line.offer === offer ? { offer, quantity } : line));
}

/**
 * @param {Wish[]} lines
 * @param {string} offer
 */
export function quantityOf(lines, offer) {
  return lines.find((line) => line.offer === offer)?.quantity ?? 0;
}

/** @param {Wish[]} lines */
export function pieces(lines) {
  return lines.reduce((sum, line) => sum + line.quantity, 0);
}

/**
 * The amounts to show: goods at the prices on screen now, the rest as the shop last said.
 * @param {Wish[]} lines
 * @param {Record<string, Offer>} offers
 * @param {Amounts | null} told
 * @param {string} currency
 * @returns {Amounts}
 */
export function amountsOf(lines, offers, told, currency) {
  const goods = lines.reduce((sum, line) => sum + line.quantity * (offers[line.offer]?.price ?? 0), 0);
  const { freight = 0, tax = 0, discount = 0 } = told ?? {};
  return { goods, freight, tax, discount, total: goods + freight + tax - discount, currency };
}

/**
 * Lines that nobody can order as they are: gone, sold out, or more than there is.
 * @param {Wish[]} lines
 * @param {Record<string, Offer>} offers
 */
export function stuckLines(lines, offers) {
  return lines.filter((line) => !canBuy(offers[line.offer]) || line.quantity > (offers[line.offer]?.available ?? 0));
}
