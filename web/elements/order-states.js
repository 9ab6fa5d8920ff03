/** The words and colours of an order's state, and the road it goes. */

import { isKey, t } from "../strings/speak.js";
import { h } from "./dom.js";

/** The road of an order that goes well. */
export const ROAD = ["placed", "paid", "declared", "cleared", "shipped", "delivered"];
const ON_WAY = new Set(["declared", "cleared", "shipped"]);
const ENDED = new Set(["lapsed", "cancelled", "returned", "refunded", "delivered"]);

/** @param {string} state */
export const isEnded = (state) => ENDED.has(state);

/** @param {string} state */
export function stateWord(state) {
  const key = `state.${state}`;
  return isKey(key) ? t(key) : t("state.unknown");
}

/** What it means, in a sentence.
 * @param {string} state
 */
export function stateAdvice(state) {
  if (ON_WAY.has(state)) return t("state.onway.do");
  const key = `state.${state}.do`;
  return isKey(key) ? t(key) : "";
}

/** @param {string} state */
export function statePill(state) {
  const kind = state === "awaiting_payment" ? "warn" : state === "lapsed" || state === "cancelled" ? "" : "good";
  return h("span", { class: `pill ${kind}`, "data-state": state }, stateWord(state));
}

/**
 * How far along the road a state is: an index into ROAD, -1 when it left the road.
 * @param {string} state
 */
export function stepOf(state) {
  return state === "awaiting_payment" ? 0 : ROAD.indexOf(state);
}
