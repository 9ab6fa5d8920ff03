/** `<merchant-studios>`: the merchant's studios, and a publish token for one. Shown once, kept nowhere. */

import { dayAndTime, said, t } from "../strings/speak.js";
import { staff } from "../transport/session.js";
import { announce } from "./announce.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { icon } from "./icon.js";
import { stateNote } from "./state-note.js";

/** @typedef {{whip: string, token: string, expires_at: number}} PublishToken */

export class MerchantStudios extends silk({
  studios: /** @type {import("./merchant-page.js").Studio[]} */ ([]),
  known: false,
  given: /** @type {Record<string, PublishToken>} */ ({}),
  error: "",
}) {
  view() {
    return [h("header", { key: "head", class: "view-head" }, h("h1", null, t("merchant.studios"))), this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error), this.#list()];
  }

  #list() {
    if (!this.known) return h("div", { key: "bones", class: "panel is-skeleton" }, h("span", { class: "bone" }));
    if (!this.studios.length) return stateNote({ icon: "play", title: t("merchant.studios.empty"), text: t("merchant.studios.empty.do") });
    return h("ul", { key: "list", class: "studios" }, this.studios.map((studio) => this.#studio(studio)));
  }

  /** @param {import("./merchant-page.js").Studio} studio */
  #studio(studio) {
    const given = this.given[studio.id];
    return h(
      "li",
      { key: studio.id, class: "panel studio" },
      h("div", { class: "studio-head" }, h("h2", null, said(studio.name) || studio.id), h("button", { type: "button", class: "button", "data-testid": "make-token", onclick: () => this.#make(studio.id) }, t("merchant.token"))),
      given && [secret(t("merchant.token.url"), given.whip), secret(t("merchant.token.value"), given.token), h("p", { class: "small quiet" }, `${t("merchant.token.until", { when: dayAndTime(given.expires_at, Date.now()) })}. ${t("merchant.token.note")}`)],
    );
  }

  /**
   * @param {string} studio
   * @param {PublishToken} given
   */
  #with(studio, given) {
    return { ...this.given, [studio]: given };
  }

  /** @param {string} studio */
  async #make(studio) {
    try {
      const given = await staff.command(`/api/merchant/studios/${encodeURIComponent(studio)}/token`);
      this.given = this.#with(studio, given);
      this.error = "";
    } catch (error) {
      this.error = explain(error);
    }
  }
}

/**
 * @param {string} label
 * @param {string} value
 */
function secret(label, value) {
  const copy = async () => {
    await navigator.clipboard?.writeText(value);
    announce(t("copied"));
  };
  return h(
    "div",
    { key: label, class: "field" },
    h("span", { class: "label" }, label),
    h("span", { class: "secret" }, h("input", { class: "figures", readonly: true, "aria-label": label, ".value": value, onfocus: (/** @type {FocusEvent} */ event) => /** @type {HTMLInputElement} */ (event.target).select() }), h("button", { type: "button", class: "icon-button", "aria-label": `${t("copy")}: ${label}`, onclick: copy }, icon("copy"))),
  );
}

customElements.define("merchant-studios", MerchantStudios);
