/**
 * `<operator-staff>`: letting somebody of the staff in again who lost phone and recovery codes. The
 * operator proves who they are by their own password, and by a code where their account asks for one.
 */

import { t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { isSignedOut, staff } from "../transport/session.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { codeField, passwordField, wrong } from "./security-panels.js";

export class OperatorStaff extends silk({
  with_code: /** @type {boolean | null} */ (null), // whether the operator's own account asks for a code
  busy: false,
  error: "",
  done: "",
}) {
  view() {
    return [h("header", { key: "head", class: "view-head narrow" }, h("h1", null, t("staff.title"))), h("section", { key: "reset", class: "panel narrow", "data-testid": "reset" }, h("h2", null, t("staff.reset")), h("p", { class: "quiet" }, t("staff.reset.lead")), this.#form())];
  }

  #form() {
    return h(
      "form",
      { class: "form", onsubmit: (/** @type {SubmitEvent} */ event) => this.#reset(event) },
      h("div", { key: "name", class: "field" }, h("label", { for: "reset-name" }, t("staff.name")), h("input", { id: "reset-name", name: "name", autocomplete: "off", autocapitalize: "none", spellcheck: "false", maxlength: 64, required: true })),
      passwordField("reset-password", "password", t("staff.own.password"), "current-password"),
      this.with_code && codeField("reset-code", "code", t("staff.own.code")),
      wrong(this.error),
      this.done && h("p", { key: "done", class: "form-done", role: "status" }, this.done),
      h("div", { class: "deeds" }, h("button", { class: "button stop", "data-testid": "reset-factor", disabled: this.busy || this.with_code === null }, t("staff.reset.do"))),
    );
  }

  entered() {
    this.#try(async () => {
      this.with_code = (await staff.get("/api/account/security")).second_factor;
    });
  }

  /** @param {SubmitEvent} event */
  #reset(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const entries = new FormData(form);
    const typed = (/** @type {string} */ field) => String(entries.get(field) ?? "");
    const [name, code] = [typed("name").trim(), typed("code").trim()];
    return this.#try(async () => {
      const gone = await staff.request("POST", "/api/operator/second-factor-resets", { body: { name, password: typed("password"), ...(code && { code }) } });
      form.reset();
      this.done = t("staff.reset.done", { name, n: gone.sessions });
    });
  }

  /** @param {() => Promise<void>} deed */
  async #try(deed) {
    this.busy = true;
    this.error = this.done = "";
    try {
      await deed();
    } catch (error) {
      if (isSignedOut(error)) this.ask("signed-out");
      else this.error = why(error);
    }
    this.busy = false;
  }
}

/** @param {unknown} error */
function why(error) {
  if (!(error instanceof Problem)) return explain(error);
  if (error.code === "WrongPassword") return t("password.wrong");
  return error.code === "Forbidden" ? t("staff.reset.own") : explain(error);
}

customElements.define("operator-staff", OperatorStaff);
