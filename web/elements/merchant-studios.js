/** `<merchant-studios>`: the merchant's studios, the computers paired with each, and the way to shut one out. */

import { dayAndTime, said, t } from "../strings/speak.js";
import { staff } from "../transport/session.js";
import { announce } from "./announce.js";
import { confirmDeed } from "./confirm.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { secret } from "./secret.js";
import { stateNote } from "./state-note.js";

/** @typedef {{whip: string, token: string, expires_at: number}} PublishToken */
/** @typedef {import("../types.js").Studio} Studio */

export class MerchantStudios extends silk({
  studios: /** @type {Studio[]} */ ([]),
  known: false,
  given: /** @type {Record<string, PublishToken>} */ ({}),
  error: "",
}) {
  view() {
    return [
      h("header", { key: "head", class: "view-head" }, h("h1", null, t("merchant.studios")), h("a", { class: "button accent", href: "/merchant?view=pair", "data-testid": "pair" }, t("studio.pair"))),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      this.#list(),
    ];
  }

  #list() {
    if (!this.known) return h("div", { key: "bones", class: "panel is-skeleton" }, h("span", { class: "bone" }));
    if (!this.studios.length) return stateNote({ icon: "play", title: t("merchant.studios.empty"), text: t("merchant.studios.empty.do") });
    return h("ul", { key: "list", class: "studios" }, this.studios.map((studio) => this.#studio(studio)));
  }

  /** @param {Studio} studio */
  #studio(studio) {
    const given = this.given[studio.id];
    const make = h("button", { type: "button", class: "button small", "data-testid": "make-token", onclick: () => this.#make(studio.id) }, t("merchant.token"));
    const revoke = h("button", { type: "button", class: "button stop small", "data-testid": "revoke", onclick: () => this.#revoke(studio) }, t("studio.revoke"));
    return h(
      "li",
      { key: studio.id, class: "panel studio" },
      h("div", { class: "studio-head" }, h("h2", null, nameOf(studio)), h("span", { class: "studio-deeds" }, make, revoke)),
      paired(studio),
      given && [secret(t("merchant.token.url"), given.whip), secret(t("merchant.token.value"), given.token), h("p", { class: "small quiet" }, `${t("merchant.token.until", { when: dayAndTime(given.expires_at, Date.now()) })}. ${t("merchant.token.note")}`)],
    );
  }

  /** @param {string} studio */
  async #make(studio) {
    await this.#try(async () => {
      const given = await staff.command(`/api/merchant/studios/${encodeURIComponent(studio)}/token`);
      this.given = this.#with(studio, given);
    });
  }

  /**
   * @param {string} studio
   * @param {PublishToken} given
   */
  #with(studio, given) {
    return { ...this.given, [studio]: given };
  }

  /** @param {Studio} studio */
  async #revoke(studio) {
    const name = nameOf(studio);
    const sure = await confirmDeed({ title: t("studio.revoke.sure", { name }), text: t("studio.revoke.sure.do"), deed: t("studio.revoke") });
    if (!sure) return;
    await this.#try(async () => {
      await staff.command(`/api/merchant/studios/${encodeURIComponent(studio.id)}/revoke`);
      const { [studio.id]: _, ...others } = this.given;
      this.given = others;
      announce(t("studio.revoked", { name }));
      this.ask("shows-changed");
    });
  }

  /** @param {() => Promise<void>} deed */
  async #try(deed) {
    try {
      await deed();
      this.error = "";
    } catch (error) {
      this.error = explain(error);
    }
  }
}

/** @param {Studio} studio */
function nameOf(studio) {
  return said(studio.name) || studio.id;
}

/** @param {Studio} studio */
function paired({ pairings = [] }) {
  if (!pairings.length) return h("p", { key: "none", class: "small quiet" }, t("studio.agent.none"));
  const now = Date.now();
  return h(
    "ul",
    { key: "agents", class: "agents" },
    pairings.map((one) =>
      h(
        "li",
        { key: one.id, class: "agent", "data-testid": "agent" },
        h("span", { class: "agent-name" }, one.agent),
        h("span", { class: "small quiet" }, t("studio.agent.at", { paired: dayAndTime(one.paired_at, now), seen: dayAndTime(one.renewed_at, now) })),
      ),
    ),
  );
}

customElements.define("merchant-studios", MerchantStudios);
