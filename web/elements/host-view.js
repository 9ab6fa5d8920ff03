/** What the host's desk looks like for a state of `<host-page>`: three columns that never move. */

import { isOver } from "../store/show-store.js";
import { number, said, t } from "../strings/speak.js";
import { h } from "./dom.js";
import { happens } from "./host-happens.js";
import { rundown } from "./host-rundown.js";
import { icon } from "./icon.js";
import "./live-picture.js";
import "./page-head.js";
import { pictureNote } from "./picture-note.js";
import { priceLines } from "./price.js";
import { productPicture } from "./product-picture.js";
import "./sign-in.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("./host-page.js").HostPage} HostPage */

/** @param {HostPage} page */
export function hostView(page) {
  if (!page.account) return [h("page-head", { key: "head" }), h("sign-in", { key: "sign-in", ".place": t("signin.host") })];
  const head = h("page-head", { key: "head", ".title_text": said(page.now?.title) || t("host.title"), ".account": page.account.name, ".extra": pills(page) });
  if (!page.show) return [head, choose(page)];
  if (page.store.feed === "unknown") {
    return [head, stateNote({ icon: "warn", title: t("picture.unknown"), text: t("picture.unknown.do"), testid: "state-unknown" })];
  }
  return [head, tabs(page), h("main", { key: "main", class: "host" }, onAir(page), rundown(page), happens(page)), notice(page)];
}

/** @param {HostPage} page */
function choose({ shows }) {
  if (!shows) return h("main", { key: "choose", class: "page is-skeleton" }, h("span", { class: "bone" }));
  if (!shows.length) return stateNote({ icon: "play", title: t("shows.empty"), text: t("merchant.shows.empty.do") });
  return h(
    "main",
    { key: "choose", class: "page" },
    h("div", { class: "lead" }, h("h1", null, t("host.choose"))),
    h("ul", { class: "panel" }, shows.map((show) => h("li", { key: show.id }, h("a", { class: "button wide", href: `/host/${encodeURIComponent(show.id)}` }, said(show.title) || show.id)))),
  );
}

/** @param {HostPage} page */
function pills(page) {
  const { now } = page;
  if (!now) return null;
  const viewers = page.store.entities.audience?.viewers ?? 0;
  const hearts = page.store.entities.hearts?.count ?? 0;
  return h(
    "div",
    { key: "pills", class: "host-pills" },
    now.on_air ? h("span", { class: "pill on-air" }, t("show.live")) : h("span", { class: "pill" }, t("host.offair")),
    h("span", { class: "host-count", title: t("show.viewers", { n: viewers }), "data-testid": "audience" }, icon("eye"), h("strong", { class: "figures" }, number(viewers))),
    h("span", { class: "host-count", title: t("show.hearts", { n: hearts }) }, icon("heart"), h("strong", { class: "figures" }, number(hearts))),
  );
}

/** On a phone one column at a time; the picture stays above.
 * @param {HostPage} page
 */
function tabs(page) {
  const tab = (/** @type {string} */ name, /** @type {string} */ words) =>
    h("button", { key: name, type: "button", "aria-pressed": String(page.tab === name), onclick: () => ((page.tab = name), page.update()) }, words);
  return h("nav", { key: "tabs", class: "host-tabs" }, tab("next", t("host.next")), tab("happens", t("host.orders")), tab("air", t("host.onair")));
}

/** @param {HostPage} page */
function onAir(page) {
  return h(
    "section",
    { key: "air", class: "host-column host-air", "aria-label": t("host.onair") },
    h(
      "div",
      { class: "host-preview" },
      h("live-picture", { key: "live", ".note": previewNote(page) }),
    ),
    pinned(page),
    controls(page),
  );
}

/** @param {HostPage} page */
function previewNote(page) {
  if (page.watch.phase === "waiting" && !page.now?.on_air) return stateNote({ title: t("host.offair"), text: t("host.preview.none") });
  return pictureNote(page.watch.phase, page.now, { now: Number.MAX_SAFE_INTEGER, online: navigator.onLine, seen: page.seen });
}

/** @param {HostPage} page */
function pinned(page) {
  const offer = page.pinned;
  const currency = page.now?.currency ?? "CNY";
  return h(
    "div",
    { class: `host-pinned ${offer ? "" : "is-empty"}`, "data-testid": "on-screen", "data-offer": offer?.id ?? "" },
    offer
      ? [
          h("div", { key: offer.id, class: "card-picture" }, productPicture(offer.image, "")),
          h("div", { key: "words", class: "host-pinned-words" }, h("p", { class: "small quiet" }, t("host.pinned")), h("h3", { class: "card-name" }, said(offer.title)), priceLines(offer, currency), h("p", { class: "host-left" }, offer.sold_out ? t("offer.soldout") : t("offer.left", { n: offer.available }))),
          h("button", { key: "unpin", type: "button", class: "button host-unpin", "data-testid": "unpin", onclick: () => page.unpin() }, h("kbd", null, "U"), t("host.unpin")),
        ]
      : h("div", { key: "nothing", class: "host-nothing" }, h("p", { class: "note-title" }, t("host.nothing")), !isOver(page.now) && h("p", { class: "quiet" }, t("host.nothing.do"))),
  );
}

/** @param {HostPage} page */
function controls(page) {
  const { now } = page;
  if (!now) return null;
  const over = isOver(now);
  return h(
    "div",
    { class: "panel host-controls" },
    h(
      "div",
      { class: "field" },
      h("label", { for: "studio" }, t("host.studio")),
      page.studios.length
        ? h(
            "select",
            { id: "studio", ".value": page.studio, onchange: (/** @type {Event} */ event) => (page.studio = /** @type {HTMLSelectElement} */ (event.target).value) },
            page.studios.map((studio) => h("option", { key: studio.id, value: studio.id }, said(studio.name) || studio.id)),
          )
        : h("p", { class: "quiet" }, t("host.studio.none")),
    ),
    h(
      "div",
      { class: "host-switches" },
      now.state === "scheduled"
        ? h("button", { key: "open", type: "button", class: "button accent wide", "data-testid": "open-show", onclick: () => page.command("open") }, t("host.open"))
        : now.on_air
          ? h("button", { key: "off", type: "button", class: "button wide", "data-testid": "off-air", onclick: () => page.command("off-air") }, t("host.gooffair"))
          : h("button", { key: "on", type: "button", class: "button accent wide", "data-testid": "on-air", disabled: over || !page.studio, onclick: () => page.command("on-air", { studio: page.studio }) }, t("host.goonair")),
      h("button", { key: "close", type: "button", class: "button plain", "data-testid": "close-show", disabled: over || now.state === "scheduled", onclick: () => page.close() }, over ? t(now.state === "closed" ? "host.closed" : "host.closing") : t("host.close")),
    ),
  );
}

/** @param {HostPage} page */
function notice(page) {
  const lost = page.store.known && page.store.feed === "lost";
  const words = page.notice || (lost ? t("feed.lost") : "");
  return h("p", { key: "notice", class: "host-notice", role: "alert", hidden: !words }, words);
}
