/** `<merchant-pair>`: type the code that a studio shows, see which device it is, let it in or send it away. */

import { dayAndTime, said, t } from "../strings/speak.js";
import { staff } from "../transport/session.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { icon } from "./icon.js";
import { stateNote } from "./state-note.js";

/** @typedef {{agent: string, source: string, asked_at: number, expires_at: number}} Waiting */
/** @typedef {{title: string, text: string, icon: import("./icon.js").IconName}} Outcome */

const NEW = "";

export class MerchantPair extends silk({
  studios: /** @type {import("../types.js").Studio[]} */ ([]),
  code: "",
  waiting: /** @type {Waiting | null} */ (null),
  chosen: /** @type {string | null} */ (null),
  outcome: /** @type {Outcome | null} */ (null),
  busy: false,
  error: "",
}) {
  view() {
    const back = h("a", { class: "icon-button", href: "/merchant?view=studios", "aria-label": t("studio.all") }, icon("back"));
    return [
      h("header", { key: "head", class: "view-head narrow" }, back, h("div", { class: "grow" }, h("h1", null, t("studio.pair")))),
      h("div", { key: "body", class: "narrow" }, this.outcome ? done(this.outcome) : this.waiting ? this.#choice(this.waiting) : this.#question()),
    ];
  }

  #question() {
    const typed = (/** @type {Event} */ event) => (this.code = spelt(/** @type {HTMLInputElement} */ (event.target).value));
    return h(
      "form",
      { key: "question", class: "panel form", onsubmit: (/** @type {SubmitEvent} */ event) => this.#look(event) },
      h("p", { class: "quiet" }, t("studio.pair.lead")),
      h(
        "div",
        { class: "field" },
        h("label", { for: "pair-code" }, t("studio.code")),
        h("input", { id: "pair-code", class: "code-input", name: "code", autocomplete: "off", autocapitalize: "characters", spellcheck: "false", placeholder: "BCDF-GHJK", maxlength: 9, pattern: "[A-Z]{4}-[A-Z]{4}", required: true, autofocus: true, ".value": this.code, oninput: typed }),
      ),
      this.#wrong(),
      h("button", { class: "button accent wide", disabled: this.busy }, t("studio.look")),
    );
  }

  /** @param {Waiting} waiting */
  #choice(waiting) {
    const when = dayAndTime(waiting.asked_at, Date.now());
    const chosen = this.chosen ?? this.studios[0]?.id ?? NEW;
    return h(
      "form",
      { key: "choice", class: "panel form", "data-testid": "waiting", onsubmit: (/** @type {SubmitEvent} */ event) => this.#approve(event, chosen) },
      h("p", { class: "code-shown figures" }, this.code),
      h("div", { class: "pair-words" }, h("h2", null, t("studio.waits", { agent: waiting.agent })), h("p", { class: "quiet" }, t("studio.waits.from", { when, source: waiting.source }))),
      h("div", { class: "field" }, h("label", { for: "pair-studio" }, t("studio.which")), this.#options(chosen)),
      chosen === NEW && h("div", { key: "name", class: "field" }, h("label", { for: "pair-name" }, t("studio.name")), h("input", { id: "pair-name", name: "name", maxlength: 120 })),
      this.#wrong(),
      h(
        "div",
        { class: "dialog-actions" },
        h("button", { type: "button", class: "button stop", "data-testid": "deny", disabled: this.busy, onclick: () => this.#deny() }, t("studio.deny")),
        h("button", { class: "button accent", "data-testid": "allow", disabled: this.busy }, t("studio.allow")),
      ),
    );
  }

  /** @param {string} chosen */
  #options(chosen) {
    const choose = (/** @type {Event} */ event) => (this.chosen = /** @type {HTMLSelectElement} */ (event.target).value);
    const known = this.studios.map((studio) => h("option", { key: studio.id, value: studio.id }, said(studio.name) || studio.id));
    return h("select", { id: "pair-studio", name: "studio", ".value": chosen, onchange: choose }, known, h("option", { key: "new", value: NEW }, t("studio.new")));
  }

  #wrong() {
    return this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error);
  }

  /** @param {SubmitEvent} event */
  #look(event) {
    event.preventDefault();
    return this.#try(async () => (this.waiting = await staff.request("POST", "/api/merchant/pairings/look", { body: { user_code: this.code } })));
  }

  /**
   * @param {SubmitEvent} event
   * @param {string} chosen
   */
  async #approve(event, chosen) {
    event.preventDefault();
    const name = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("name") ?? "").trim();
    if (chosen === NEW && !name) return void (this.error = t("studio.name.bad"));
    const wish = chosen === NEW ? { name } : { studio: chosen };
    await this.#try(async () => {
      const studio = await staff.request("POST", "/api/merchant/pairings/approve", { body: { user_code: this.code, ...wish } });
      this.outcome = { title: t("studio.paired", { name: said(studio.name) }), text: t("studio.paired.do"), icon: /** @type {const} */ ("check") };
      this.ask("shows-changed");
    });
  }

  #deny() {
    return this.#try(async () => {
      await staff.request("POST", "/api/merchant/pairings/deny", { body: { user_code: this.code } });
      this.outcome = { title: t("studio.denied"), text: t("studio.denied.do"), icon: /** @type {const} */ ("close") };
    });
  }

  /** @param {() => Promise<unknown>} deed */
  async #try(deed) {
    this.busy = true;
    this.error = "";
    try {
      await deed();
    } catch (error) {
      this.error = explain(error);
    }
    this.busy = false;
  }
}

/** @param {Outcome} outcome */
function done(outcome) {
  const on = h("a", { class: "button accent", href: "/merchant?view=studios" }, t("studio.all"));
  return h("div", { key: "done", class: "panel", role: "status" }, stateNote({ ...outcome, action: on, testid: "paired" }));
}

/** Eight letters with a hyphen in their middle, whatever was typed or pasted.
 * @param {string} typed
 */
function spelt(typed) {
  const letters = typed.toUpperCase().replace(/[^A-Z]/g, "").slice(0, 8);
  return letters.length > 4 ? `${letters.slice(0, 4)}-${letters.slice(4)}` : letters;
}

customElements.define("merchant-pair", MerchantPair);
