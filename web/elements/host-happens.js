/** The third column: the tally, orders as they come, and what is left in the pools. */

import { offersById, ordersNewestFirst, valuesOf } from "../store/show-store.js";
import { money, number, said, t, timeOfDay } from "../strings/speak.js";
import { h } from "./dom.js";
import { statePill } from "./order-states.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("./host-page.js").HostPage} HostPage */

const MOST_ORDERS = 100;

/** @param {HostPage} page */
export function happens(page) {
  const { entities } = page.store;
  return h("section", { key: "happens", class: "host-column host-happens", "aria-label": t("host.happens") }, tally(page), orders(page), pools(entities));
}

/** @param {HostPage} page */
function tally(page) {
  const { orders = 0, paid = 0, revenue = 0, awaiting = 0 } = page.store.entities.tally ?? {};
  const figure = (/** @type {string} */ value, /** @type {string} */ name, kind = "") => h("div", { class: `tally-figure ${kind}` }, h("dd", { class: "figures" }, value), h("dt", null, name));
  return h(
    "dl",
    { class: "tally", "data-testid": "tally" },
    figure(money(revenue, page.now?.currency ?? "CNY"), t("host.tally.revenue"), "is-wide"),
    figure(number(orders), t("host.tally.orders")),
    figure(number(paid), t("host.tally.paid")),
    figure(number(awaiting), t("host.tally.awaiting")),
  );
}

/** @param {HostPage} page */
function orders(page) {
  const all = ordersNewestFirst(page.store.entities);
  const offers = offersById(page.store.entities);
  return [
    h("header", { class: "column-head" }, h("h2", null, t("host.orders"))),
    all.length
      ? h("ul", { key: "orders", class: "host-orders", "data-testid": "orders" }, all.slice(0, MOST_ORDERS).map((order) => line(order, offers, page)))
      : stateNote({ title: t("host.orders.empty"), text: t("host.orders.empty.do") }),
  ];
}

/**
 * @param {import("../types.js").Order} order
 * @param {Record<string, import("../types.js").Offer>} offers
 * @param {HostPage} page
 */
function line(order, offers, page) {
  const goods = order.lines.map(({ offer, quantity }) => `${said(offers[offer]?.title) || offer}${quantity > 1 ? ` × ${quantity}` : ""}`).join(", ");
  const buyer = page.details[order.id]?.contact?.name;
  return h(
    "li",
    { key: order.id, class: "host-order", "data-testid": "order", "data-order": order.id, "data-state": order.state },
    h("p", { class: "host-order-goods", title: goods }, goods),
    h("strong", { class: "figures" }, money(order.amounts.total, order.amounts.currency)),
    h("p", { class: "small quiet figures" }, timeOfDay(order.placed_at), buyer ? ` · ${buyer}` : ""),
    statePill(order.state),
  );
}

/** @param {Record<string, any>} entities */
function pools(entities) {
  const all = /** @type {import("../types.js").Pool[]} */ (valuesOf(entities, "pool:"));
  if (!all.length) return null;
  const names = Object.fromEntries(valuesOf(entities, "offer:").flatMap((offer) => (offer.lines.length === 1 ? [[offer.lines[0].sku, said(offer.title)]] : [])));
  return h(
    "details",
    { key: "pools", class: "host-pools", open: true },
    h("summary", { class: "column-head" }, h("h2", null, t("host.pools"))),
    h(
      "table",
      { class: "calm small-rows" },
      h("thead", null, h("tr", null, h("th", null, t("merchant.product")), h("th", { class: "right" }, t("host.pool.held")), h("th", { class: "right" }, t("host.pool.sold")), h("th", { class: "right" }, t("host.pool.free")))),
      h(
        "tbody",
        null,
        all.map((pool) =>
          h("tr", { key: pool.sku }, h("td", { class: "cut" }, names[pool.sku] ?? pool.sku), h("td", { class: "right figures" }, number(pool.held)), h("td", { class: "right figures" }, number(pool.sold)), h("td", { class: "right figures" }, h("strong", null, number(pool.free)))),
        ),
      ),
    ),
  );
}
