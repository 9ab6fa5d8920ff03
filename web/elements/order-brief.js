/** An order in brief: what to do about it now, and the way to its own page. */

import { money, t } from "../strings/speak.js";
import { h } from "./dom.js";
import "./hold-clock.js";
import { icon } from "./icon.js";
import { stateAdvice, statePill, stateWord } from "./order-states.js";
import { payLink } from "./pay.js";

/** @typedef {import("../types.js").Order} Order */

/**
 * @param {Order} order
 * @param {number} ahead_ms
 * @param {(order: Order) => void} cancel
 */
export function holdPanel(order, ahead_ms, cancel) {
  const awaiting = order.state === "awaiting_payment";
  return [
    h(
      "div",
      { key: "state", class: `order-state ${awaiting ? "" : order.state === "lapsed" || order.state === "cancelled" ? "is-over" : "is-good"}`, "data-testid": "order-state", "data-state": order.state },
      awaiting && order.held_until
        ? [h("p", { class: "quiet" }, t("order.held")), h("p", { class: "order-clock" }, h("hold-clock", { ".until": order.held_until, ".ahead_ms": ahead_ms }))]
        : [icon(order.state === "lapsed" || order.state === "cancelled" ? "close" : "check"), h("p", { class: "order-word" }, stateWord(order.state))],
      h("p", { class: "quiet" }, stateAdvice(order.state)),
    ),
    awaiting && payLink(order),
    awaiting && h("p", { key: "tab", class: "small quiet centred" }, t("order.pay.note")),
    h(
      "div",
      { key: "ways", class: "order-ways" },
      h("a", { class: "button plain", href: `/orders/${encodeURIComponent(order.id)}`, "data-testid": "order-link" }, t("order.see")),
      awaiting && h("button", { type: "button", class: "button plain", "data-testid": "cancel-order", onclick: () => cancel(order) }, t("order.cancel")),
    ),
  ];
}

/** @param {Order[]} orders newest first */
export function orderLinks(orders) {
  if (!orders.length) return null;
  return h(
    "section",
    { key: "orders", class: "my-orders" },
    h("h3", null, t("order.mine")),
    h(
      "ul",
      null,
      orders.map((order) =>
        h(
          "li",
          { key: order.id },
          h(
            "a",
            { href: `/orders/${encodeURIComponent(order.id)}`, class: "my-order" },
            h("strong", { class: "figures" }, money(order.amounts.total, order.amounts.currency)),
            statePill(order.state),
            icon("next"),
          ),
        ),
      ),
    ),
  );
}
