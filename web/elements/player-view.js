/** What the player looks like for a state of `<show-page>`; no decision is taken here. */

import { amountsOf, quantityOf } from "../store/cart.js";
import { isOver } from "../store/show-store.js";
import { money, number, said, t } from "../strings/speak.js";
import "./cart-sheet.js";
import { h } from "./dom.js";
import "./heart-button.js";
import "./hold-clock.js";
import { icon } from "./icon.js";
import "./language-switch.js";
import "./live-picture.js";
import "./offer-card.js";
import { pictureNote } from "./picture-note.js";
import "./product-rail.js";
import { swipe } from "./swipe.js";

/** @typedef {import("./show-page.js").ShowPage} ShowPage */

/** @param {ShowPage} page */
export function playerView(page) {
  const currency = page.now?.currency ?? "CNY";
  if (page.unknown) return [head(page), h("main", { key: "unknown", class: "player-alone" }, pictureNote("unknown", null, { now: 0, online: true, seen: false }))];
  return [
    h("a", { key: "skip", class: "skip", href: "#products" }, t("skip")),
    head(page),
    h("div", { key: "stage", class: "player-stage" }, picture(page), pinned(page, currency)),
    rail(page, currency),
    dock(page, currency),
    sheet(page, currency),
  ];
}

/** @param {ShowPage} page */
function head({ now, unknown }) {
  return h(
    "header",
    { key: "head", class: "player-head" },
    h("a", { class: "mark", href: "/", "aria-label": "Silkcast" }, h("img", { src: "/web/pictures/mark.svg", alt: "", width: 32, height: 32 })),
    h(
      "div",
      { class: "player-titles" },
      now ? h("h1", { class: "player-title", title: said(now.title) }, said(now.title) || t("show.untitled")) : !unknown && h("span", { class: "bone" }),
      now && h("p", { class: "player-merchant" }, said(now.merchant?.name)),
    ),
    h("language-switch", null),
  );
}

/** @param {ShowPage} page */
function picture(page) {
  const { entities } = page.store;
  const viewers = entities.audience?.viewers ?? 0;
  const live = page.watch.phase === "playing" && page.now?.state !== "closed";
  return h(
    "section",
    { key: "picture", class: "player-picture" },
    h("live-picture", {
      key: "live",
      ".note": note(page),
    }),
    h(
      "div",
      { key: "pills", class: "picture-pills" },
      live && h("span", { key: "air", class: "pill on-air" }, t("show.live")),
      live &&
        viewers > 0 &&
        h("span", { key: "eyes", class: "pill on-picture", "data-testid": "audience", title: t("show.viewers", { n: viewers }) }, icon("eye"), h("span", { class: "figures" }, number(viewers)), h("span", { class: "unseen" }, t("show.viewers", { n: viewers }))),
    ),
    live && h("heart-button", { key: "hearts", ".count": entities.hearts?.count ?? 0 }),
    notice(page),
  );
}

/** @param {ShowPage} page */
function note(page) {
  return pictureNote(page.watch.phase, page.now, { now: Date.now(), online: page.online, seen: page.seen });
}

/** Feed or network lost: prices and stock may be old, and one is told so. */
function notice(/** @type {ShowPage} */ page) {
  const lost = page.store.known && page.store.feed === "lost";
  if (page.online && !lost) return null;
  return h("p", { key: "notice", class: "player-notice", role: "status", "data-testid": "feed-lost" }, icon("cloud"), page.online ? t("feed.lost") : `${t("offline")}. ${t("offline.do")}`);
}

/**
 * @param {ShowPage} page
 * @param {string} currency
 */
function pinned(page, currency) {
  const offer = !isOver(page.now) && page.pin && page.offers[page.pin.offer];
  return h(
    "section",
    { key: "pinned", class: "player-pinned", "aria-label": t("offer.pinned"), hidden: !offer },
    offer &&
      h("offer-card", {
        key: offer.id,
        class: "pinned-card",
        ".offer": offer,
        ".currency": currency,
        ".quantity": quantityOf(page.keeper.lines, offer.id),
        ".pinned": true,
        ".shape": "wide",
      }),
  );
}

/**
 * @param {ShowPage} page
 * @param {string} currency
 */
function rail(page, currency) {
  const offers = page.inOrder;
  const n = offers?.length ?? 0;
  return h(
    "aside",
    { key: "rail", class: "player-rail", id: "products", tabindex: "-1", "aria-label": t("rail.title") },
    h(
      "header",
      { class: "rail-head", ref: (/** @type {HTMLElement} */ handle) => swipe(handle, { up: () => page.turnRail(true), down: () => page.turnRail(false) }) },
      h("h2", null, t("rail.title")),
      n > 0 && h("span", { class: "quiet figures" }, n),
      h("button", { class: "icon-button rail-close", type: "button", "aria-label": t("close"), onclick: () => page.turnRail(false) }, icon("down")),
    ),
    h("product-rail", {
      ".offers": offers,
      ".quantities": Object.fromEntries(page.keeper.lines.map((line) => [line.offer, line.quantity])),
      ".pinned": page.pin?.offer ?? null,
      ".currency": currency,
      ".ended": isOver(page.now),
    }),
  );
}

/**
 * @param {ShowPage} page
 * @param {string} currency
 */
function dock(page, currency) {
  const n = page.inOrder?.length ?? 0;
  const amounts = amountsOf(page.keeper.lines, page.offers, page.keeper.amounts, currency);
  const awaiting = page.orders.find((order) => order.state === "awaiting_payment");
  return h(
    "footer",
    { key: "dock", class: "player-dock", ref: (/** @type {HTMLElement} */ bar) => swipe(bar, { up: () => page.turnRail(true), down: () => page.turnRail(false) }) },
    h(
      "button",
      { key: "rail", type: "button", class: "button dock-rail", "aria-expanded": String(page.railOpen), "aria-controls": "products", "data-testid": "open-rail", onclick: () => page.turnRail() },
      icon(page.railOpen ? "down" : "up"),
      t("rail.open", { n }),
    ),
    awaiting?.held_until &&
      h(
        "button",
        { key: "held", type: "button", class: "button dock-held", "data-testid": "held-chip", onclick: () => page.openSheet("order") },
        t("order.pay.again"),
        h("hold-clock", { ".until": awaiting.held_until, ".ahead_ms": page.store.ahead_ms }),
      ),
    h(
      "button",
      { key: "cart", type: "button", class: `button dock-cart ${page.count ? "is-full" : ""}`, "aria-label": page.count ? `${t("cart.title")}: ${t("cart.count", { n: page.count })}` : null, "data-testid": "cart", onclick: () => page.openSheet("cart") },
      icon("cart"),
      h("span", { class: "dock-cart-word" }, t("cart.title")),
      page.count > 0 && [h("span", { class: "badge figures", "data-testid": "cart-count" }, number(page.count)), h("strong", { class: "figures dock-total" }, money(amounts.total, currency))],
    ),
  );
}

/**
 * @param {ShowPage} page
 * @param {string} currency
 */
function sheet(page, currency) {
  return h("cart-sheet", {
    key: "sheet",
    ".lines": page.keeper.lines,
    ".offers": page.offers,
    ".told": page.keeper.amounts,
    ".currency": currency,
    ".order": page.orders.find((order) => order.id === page.orderShown) ?? null,
    ".orders": page.orders,
    ".ahead_ms": page.store.ahead_ms,
    ".hold_minutes": Math.round((page.now?.hold_seconds ?? 0) / 60),
    ".busy": page.busy,
    ".error": page.error,
    ".state": page.now?.state ?? "opened",
  });
}
