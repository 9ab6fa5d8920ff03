/** `<operator-trail>`: the privileged acts of all staff, newest first. What is filtered stands in the address. */

import { dayAndTime, t } from "../strings/speak.js";
import { isSignedOut, staff } from "../transport/session.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { stateNote } from "./state-note.js";

/**
 * @typedef {{number: number, actor: string, name: string | null, merchant: string | null, act: string,
 *   subject: string, details: Record<string, any>, at: number}} Act
 */

const FILTERS = ["name", "act", "subject"];

export class OperatorTrail extends silk({
  acts: /** @type {Act[] | null} */ (null),
  next: /** @type {number | null} */ (null),
  busy: false,
  error: "",
}) {
  view() {
    return [
      h("header", { key: "head", class: "view-head" }, h("div", null, h("h1", null, t("trail.title")), h("p", { class: "quiet" }, t("trail.lead")))),
      this.#chosen(),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      this.#table(),
    ];
  }

  #chosen() {
    const query = new URLSearchParams(location.search);
    const found = FILTERS.filter((name) => query.has(name));
    if (!found.length) return null;
    return h("p", { key: "chosen", class: "filters" }, h("span", { class: "pill" }, found.map((name) => query.get(name)).join(" · ")), h("a", { href: "/operator" }, t("merchant.all")));
  }

  #table() {
    if (!this.acts) return this.error ? null : h("div", { key: "bones", class: "panel is-skeleton", "aria-busy": "true" }, [1, 2, 3, 4].map(() => h("span", { class: "bone" })));
    if (!this.acts.length) return stateNote({ icon: "rows", title: t("trail.empty"), text: t("trail.empty.do") });
    const heads = [t("trail.when"), t("trail.who"), t("trail.act"), t("trail.subject"), t("trail.details")];
    return h(
      "div",
      { key: "table", class: "table-room" },
      h("table", { class: "calm stacks trail" }, h("thead", null, h("tr", null, heads.map((head) => h("th", null, head)))), h("tbody", null, this.acts.map((act) => row(act)))),
      this.next && h("div", { class: "more" }, h("button", { type: "button", class: "button", disabled: this.busy, onclick: () => this.#load(this.next) }, t("merchant.more"))),
    );
  }

  entered() {
    this.listen(window, "popstate", () => this.#load());
    this.#load();
  }

  /** @param {Act[]} acts */
  #after(acts) {
    return [...(this.acts ?? []), ...acts];
  }

  /** @param {number | null} [before] */
  async #load(before = null) {
    const asked = new URLSearchParams(location.search);
    const query = new URLSearchParams(FILTERS.flatMap((name) => (asked.has(name) ? [[name, asked.get(name) ?? ""]] : [])));
    if (before) query.set("before", String(before));
    this.busy = true;
    try {
      const page = await staff.get(`/api/operator/trail?${query}`);
      this.acts = before ? this.#after(page.acts) : page.acts;
      this.next = page.next;
      this.error = "";
    } catch (error) {
      if (isSignedOut(error)) this.ask("signed-out");
      else this.error = explain(error);
    }
    this.busy = false;
  }
}

/** @param {Act} act */
function row(act) {
  const { trace: _, ...told } = act.details;
  const details = Object.entries(told).map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(", ") : value}`);
  return h(
    "tr",
    { key: act.number, "data-testid": "act" },
    h("td", { "data-label": t("trail.when"), class: "figures" }, dayAndTime(act.at, Date.now())),
    h("td", { "data-label": t("trail.who") }, h("span", null, act.name ? filter("name", act.name) : act.actor, act.merchant && h("span", { class: "small quiet" }, ` ${act.merchant}`))),
    h("td", { "data-label": t("trail.act") }, filter("act", act.act)),
    h("td", { "data-label": t("trail.subject") }, filter("subject", act.subject)),
    h("td", { "data-label": t("trail.details"), class: details.length ? "small quiet" : "small quiet nothing" }, details.join(" · ") || "–"),
  );
}

/**
 * @param {string} name
 * @param {string} value
 */
function filter(name, value) {
  return h("a", { href: `/operator?${new URLSearchParams({ [name]: value })}` }, value);
}

customElements.define("operator-trail", OperatorTrail);
