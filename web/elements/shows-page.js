/** `<shows-page>`: what is on air and what comes next. */

import { dayAndTime, said, t, thereTime } from "../strings/speak.js";
import { anyone } from "../transport/session.js";
import { h } from "./dom.js";
import { SilkElement } from "./element.js";
import { explain } from "./explain.js";
import "./page-head.js";
import { sceneOf } from "./scene.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("../types.js").Show} Show */

const LOOK_EVERY_MS = 15_000;

class ShowsPage extends SilkElement {
  /** @type {Show[] | null} */
  shows = null;
  error = "";

  view() {
    return [h("page-head", { key: "head" }), h("main", { key: "main", class: "page shows" }, lead(), this.#list())];
  }

  #list() {
    if (!this.shows) return this.error ? this.#failed() : h("ul", { key: "bones", class: "show-list", "aria-busy": "true" }, [1, 2, 3].map(skeleton));
    if (!this.shows.length) return stateNote({ icon: "play", title: t("shows.empty"), text: t("shows.empty.do") });
    const now = this.shows.filter((show) => show.on_air || show.state === "opened");
    const later = this.shows.filter((show) => !now.includes(show)).sort((a, b) => (a.starts_at ?? 0) - (b.starts_at ?? 0));
    return [section(t("shows.now"), now), section(t("shows.upcoming"), later)];
  }

  #failed() {
    return stateNote({
      icon: "cloud",
      title: t("error.title"),
      text: this.error,
      action: h("button", { class: "button accent", type: "button", onclick: () => this.#look() }, t("retry")),
      testid: "state-error",
    });
  }

  entered() {
    this.#look();
    const looking = setInterval(() => document.hidden || this.#look(), LOOK_EVERY_MS);
    this.leaving(() => clearInterval(looking));
  }

  async #look() {
    try {
      this.shows = (await anyone.get("/api/shows")).shows;
      this.error = "";
    } catch (error) {
      this.error = explain(error);
    }
    this.update();
  }
}

/** What the page is for; under an address that is none it says so and shows what there is. */
function lead() {
  const lost = location.pathname !== "/";
  return h("div", { class: "lead" }, h("h1", null, t(lost ? "shows.lost" : "shows.title")), h("p", { class: "quiet" }, t(lost ? "shows.lost.do" : "shows.lead")));
}

/**
 * @param {string} title
 * @param {Show[]} shows
 */
function section(title, shows) {
  if (!shows.length) return null;
  const kind = shows.length === 1 && shows[0].on_air ? "show-list is-alone" : "show-list";
  return h("section", { key: title }, h("h2", null, title), h("ul", { class: kind }, shows.map(showCard)));
}

/** @param {Show} show */
function showCard(show) {
  const live = show.on_air;
  const at = show.starts_at ?? 0;
  const there = at ? thereTime(at, show.time_zone) : "";
  return h(
    "li",
    { key: show.id },
    h(
      "a",
      { class: "show-card", href: `/shows/${encodeURIComponent(show.id)}`, "data-testid": "show" },
      h("div", { class: "show-scene" }, h("img", { src: sceneOf(show.id), alt: "", width: 640, height: 360 }), live && h("span", { class: "pill on-air" }, t("show.live"))),
      h(
        "div",
        { class: "show-words" },
        h("h3", null, said(show.title) || t("show.untitled")),
        h("p", { class: "quiet" }, said(show.merchant?.name)),
        h("p", { class: "show-when figures" }, live ? t("shows.watch") : show.state === "opened" ? t("shows.open") : dayAndTime(at, Date.now()), !live && there && h("span", { class: "quiet" }, ` · ${there}`)),
      ),
    ),
  );
}

function skeleton() {
  return h("li", { class: "is-skeleton" }, h("div", { class: "show-card" }, h("div", { class: "show-scene" }), h("div", { class: "show-words" }, h("span", { class: "bone" }), h("span", { class: "bone short" }))));
}

customElements.define("shows-page", ShowsPage);
