/** `<sign-in>`: name and password. Says `signed-in` when the shop knows the account. */

import { t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { signIn } from "../transport/session.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";

export class SignIn extends silk({ place: "", busy: false, error: "" }) {
  view() {
    return h(
      "form",
      { class: "form sign-in", "data-testid": "sign-in", onsubmit: (/** @type {SubmitEvent} */ event) => this.#submit(event) },
      h("div", null, h("h1", null, t("signin.title")), h("p", { class: "quiet" }, this.place)),
      h(
        "div",
        { class: "field" },
        h("label", { for: "sign-in-name" }, t("signin.name")),
        h("input", { id: "sign-in-name", name: "name", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, autofocus: true }),
      ),
      h(
        "div",
        { class: "field" },
        h("label", { for: "sign-in-password" }, t("signin.password")),
        h("input", { id: "sign-in-password", name: "password", type: "password", autocomplete: "current-password", required: true }),
      ),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      h("button", { class: "button accent wide", disabled: this.busy }, t("signin.enter")),
    );
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const entries = new FormData(/** @type {HTMLFormElement} */ (event.target));
    this.busy = true;
    this.error = "";
    try {
      this.ask("signed-in", await signIn(String(entries.get("name")).trim(), String(entries.get("password"))));
    } catch (error) {
      const wrong = error instanceof Problem && (error.code === "NotSignedIn" || error.code === "Forbidden");
      this.error = wrong ? t("error.WrongPassword") : explain(error);
    }
    this.busy = false;
  }
}

customElements.define("sign-in", SignIn);
