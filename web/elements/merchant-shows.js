/** `<merchant-shows>`: the merchant's shows, and the form that schedules one. */

import { dayAndTime, LANGUAGES, language, said, t, thereTime } from "../strings/speak.js";
import { staff } from "../transport/session.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { stateNote } from "./state-note.js";
import { atInZone, zones } from "./zones.js";

/** @typedef {import("../types.js").Show} Show */

const CURRENCIES = ["CNY", "KZT", "UZS", "RUB", "USD", "EUR"];
const CODECS = { H264: "H.264", VP8: "VP8", VP9: "VP9", AV1: "AV1" };

export class MerchantShows extends silk({
  shows: /** @type {Show[] | null} */ (null),
  studios: /** @type {import("../types.js").Studio[]} */ ([]),
  error: "",
  busy: false,
}) {
  view() {
    return [
      h(
        "header",
        { key: "head", class: "view-head" },
        h("h1", null, t("merchant.shows")),
        h("button", { type: "button", class: "button accent", "data-testid": "schedule", onclick: () => this.#dialog.showModal() }, t("merchant.schedule")),
      ),
      this.#table(),
      h("dialog", { key: "form", class: "dialog", "aria-label": t("merchant.schedule") }, this.#form()),
    ];
  }

  get #dialog() {
    return /** @type {HTMLDialogElement} */ (this.querySelector("dialog"));
  }

  #table() {
    if (!this.shows) return h("div", { key: "bones", class: "panel is-skeleton", "aria-busy": "true" }, [1, 2, 3, 4].map(() => h("span", { class: "bone" })));
    if (!this.shows.length) return stateNote({ icon: "play", title: t("merchant.shows.empty"), text: t("merchant.shows.empty.do") });
    const rows = [...this.shows].sort((a, b) => (b.starts_at ?? 0) - (a.starts_at ?? 0));
    return h(
      "div",
      { key: "table", class: "table-room" },
      h(
        "table",
        { class: "calm stacks" },
        h("thead", null, h("tr", null, h("th", null, t("merchant.show")), h("th", null, t("merchant.starts")), h("th", null, t("merchant.state")), h("th", null, ""))),
        h("tbody", null, rows.map((show) => row(show))),
      ),
    );
  }

  #form() {
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    return h(
      "form",
      { class: "form", onsubmit: (/** @type {SubmitEvent} */ event) => this.#submit(event) },
      h("h2", null, t("merchant.schedule")),
      titleOrder().map((code) =>
        h(
          "div",
          { key: `title-${code}`, class: "field" },
          h("label", { for: `title-${code}` }, t("merchant.title.in", { language: LANGUAGES[code] })),
          h("input", { id: `title-${code}`, name: `title-${code}`, lang: code, maxlength: 120 }),
        ),
      ),
      h(
        "div",
        { class: "two-fields" },
        h("div", { class: "field" }, h("label", { for: "starts" }, t("merchant.starts")), h("input", { id: "starts", name: "starts", type: "datetime-local", required: true })),
        h("div", { class: "field" }, h("label", { for: "zone" }, t("merchant.zone")), h("select", { id: "zone", name: "zone" }, zones().map((zone) => h("option", { key: zone, value: zone, selected: zone === own }, zone.replaceAll("_", " "))))),
        h("div", { class: "field" }, h("label", { for: "currency" }, t("merchant.currency")), h("select", { id: "currency", name: "currency" }, CURRENCIES.map((code) => h("option", { key: code, value: code }, code)))),
        h("div", { class: "field" }, h("label", { for: "hold" }, t("merchant.hold")), h("input", { id: "hold", name: "hold", type: "number", inputmode: "numeric", min: 1, max: 60, required: true, value: 10 })),
      ),
      h("div", { class: "field" }, h("label", { for: "show-studio" }, t("merchant.studio")), h("select", { id: "show-studio", name: "studio" }, this.studios.map((studio) => h("option", { key: studio.id, value: studio.id }, said(studio.name))))),
      h(
        "div",
        { class: "field" },
        h("label", { for: "codec" }, t("merchant.codec")),
        h("select", { id: "codec", name: "codec", "aria-describedby": "codec-note" }, Object.entries(CODECS).map(([code, name]) => h("option", { key: code, value: code }, name))),
        h("p", { id: "codec-note", class: "small quiet" }, t("merchant.codec.note")),
      ),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      h(
        "div",
        { class: "dialog-actions" },
        h("button", { type: "button", class: "button", onclick: () => this.#dialog.close() }, t("cancel")),
        h("button", { class: "button accent", disabled: this.busy }, t("merchant.schedule")),
      ),
    );
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const plan = planOf(new FormData(form));
    if (!Object.keys(plan.title).length) this.error = t("merchant.title.bad");
    else if (Number.isNaN(plan.starts_at)) this.error = t("merchant.starts.bad");
    else await this.#schedule(plan, form);
  }

  /**
   * @param {ReturnType<typeof planOf>} plan
   * @param {HTMLFormElement} form
   */
  async #schedule(plan, form) {
    this.busy = true;
    try {
      const show = await staff.command("/api/merchant/shows", plan);
      this.error = "";
      this.#dialog.close();
      form.reset();
      this.ask("shows-changed");
      this.ask("go", `?view=rundown&show=${encodeURIComponent(show.id)}`);
    } catch (error) {
      this.error = explain(error);
    }
    this.busy = false;
  }
}

/** @param {FormData} entries */
function planOf(entries) {
  const text = (/** @type {string} */ name) => String(entries.get(name) ?? "").trim();
  const titles = titleOrder().flatMap((code) => (text(`title-${code}`) ? [[code, text(`title-${code}`)]] : []));
  return {
    title: /** @type {Record<string, string>} */ (Object.fromEntries(titles)),
    starts_at: atInZone(text("starts"), text("zone")),
    time_zone: text("zone"),
    currency: text("currency"),
    hold_seconds: Number(text("hold")) * 60,
    studio: text("studio") || null,
    codec: text("codec"),
  };
}

/** The reader's language first. */
function titleOrder() {
  const codes = /** @type {import("../strings/speak.js").Language[]} */ (Object.keys(LANGUAGES));
  return codes.sort((a, b) => Number(b === language()) - Number(a === language()));
}

/** @param {Show} show */
function row(show) {
  const at = show.starts_at ?? 0;
  const there = at ? thereTime(at, show.time_zone) : "";
  const id = encodeURIComponent(show.id);
  return h(
    "tr",
    { key: show.id, "data-testid": "show-row", "data-show": show.id },
    h("td", { class: "lead-cell" }, h("a", { href: `/merchant?view=rundown&show=${id}` }, said(show.title) || show.id)),
    h("td", { "data-label": t("merchant.starts") }, h("span", { class: "figures" }, at ? dayAndTime(at, Date.now()) : "–", there && h("span", { class: "quiet small" }, ` · ${there}`))),
    h("td", { "data-label": t("merchant.state") }, show.on_air ? h("span", { class: "pill on-air" }, t("show.live")) : h("span", { class: "pill" }, t(stateKey(show.state)))),
    h(
      "td",
      { class: "tight" },
      h("span", { class: "row-ways" }, h("a", { class: "button small", href: `/merchant?view=rundown&show=${id}` }, t("merchant.rundown")), h("a", { class: "button small", href: `/host/${id}` }, t("merchant.host")), h("a", { class: "button plain small", href: `/shows/${id}` }, t("merchant.player"))),
    ),
  );
}

/** @param {Show["state"]} state */
function stateKey(state) {
  /** @type {Record<Show["state"], import("../strings/speak.js").Key>} */
  const keys = { scheduled: "host.scheduled", opened: "host.opened", closing: "host.closing", closed: "host.closed" };
  return keys[state];
}

customElements.define("merchant-shows", MerchantShows);
