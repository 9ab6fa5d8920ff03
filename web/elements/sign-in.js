/**
 * `<sign-in>`: name and password, and where the account wants one, a code after them. Says `signed-in`
 * when the shop knows the account. The password waits in the page while the code is read, nowhere else.
 */

import { t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { signIn } from "../transport/session.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";

/** @typedef {{name: string, password: string}} Known */

export class SignIn extends silk({ place: "", busy: false, error: "", known: /** @type {Known | null} */ (null) }) {
  view() {
    return h(
      "form",
      { class: "form sign-in", "data-testid": "sign-in", onsubmit: (/** @type {SubmitEvent} */ event) => this.#submit(event) },
      h("div", null, h("h1", null, t("signin.title")), h("p", { class: "quiet" }, this.known ? this.known.name : this.place)),
      this.known ? codeField() : passwordFields(),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      h("button", { class: "button accent wide", disabled: this.busy }, t("signin.enter")),
      this.known && h("button", { key: "again", type: "button", class: "button plain wide", onclick: () => this.#again() }, t("signin.again")),
    );
  }

  #again() {
    this.known = null;
    this.error = "";
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    const entries = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const typed = (/** @type {string} */ name) => String(entries.get(name) ?? "");
    const { name, password } = this.known ?? { name: typed("name").trim(), password: typed("password") };
    this.busy = true;
    this.error = "";
    try {
      this.ask("signed-in", await signIn(name, password, typed("code").trim()));
    } catch (error) {
      if (error instanceof Problem && error.code === "CodeNeeded") this.known = { name, password };
      else this.error = why(error);
    }
    this.busy = false;
  }
}

/** @param {unknown} error */
function why(error) {
  const wrong = error instanceof Problem && (error.code === "NotSignedIn" || error.code === "Forbidden");
  return wrong ? t("error.WrongPassword") : explain(error);
}

function passwordFields() {
  return [
    h(
      "div",
      { key: "name", class: "field" },
      h("label", { for: "sign-in-name" }, t("signin.name")),
      h("input", { id: "sign-in-name", name: "name", autocomplete: "username", autocapitalize: "none", spellcheck: "false", required: true, autofocus: true }),
    ),
    h(
      "div",
      { key: "password", class: "field" },
      h("label", { for: "sign-in-password" }, t("signin.password")),
      h("input", { id: "sign-in-password", name: "password", type: "password", autocomplete: "current-password", required: true }),
    ),
  ];
}

function codeField() {
  return h(
    "div",
    { key: "code", class: "field" },
    h("label", { for: "sign-in-code" }, t("signin.code")),
    h("input", { id: "sign-in-code", class: "code-input", name: "code", autocomplete: "one-time-code", autocapitalize: "none", spellcheck: "false", minlength: 6, maxlength: 16, required: true, ref: focus }),
    h("span", { class: "hint small" }, t("signin.code.hint")),
  );
}

/** @param {HTMLElement} input made for somebody who waits for it */
function focus(input) {
  queueMicrotask(() => input.focus());
}

customElements.define("sign-in", SignIn);
