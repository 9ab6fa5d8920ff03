/** `<account-security>`: how one signs in: the second step from the first code to the last, and the password. */

import { t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { goOn, isSignedOut, staff } from "../transport/session.js";
import { announce } from "./announce.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { codesPanel, enrolPanel, factorPanel, passwordPanel } from "./security-panels.js";

/** @typedef {{second_factor: boolean, since: number | null, recovery_codes: number}} Security */
/** @typedef {{secret: string, otpauth: string, qr: string, expires_at: number}} Enrolment */

const PATH = "/api/account";

export class AccountSecurity extends silk({
  security: /** @type {Security | null} */ (null),
  enrolment: /** @type {Enrolment | null} */ (null),
  codes: /** @type {string[] | null} */ (null),
  asks: "", // what the second factor's panel asks for: password, renew, off
  busy: false,
  error: "",
  password_error: "",
  password_done: false,
}) {
  view() {
    return [h("header", { key: "head", class: "view-head" }, h("h1", null, t("account.title"))), h("div", { key: "panels", class: "security" }, this.#factor(), this.#password())];
  }

  #factor() {
    if (!this.security) return h("div", { key: "bones", class: "panel is-skeleton", "aria-busy": "true" }, [1, 2, 3].map(() => h("span", { class: "bone" })));
    const shared = { error: this.error, busy: this.busy };
    if (this.codes) return codesPanel(this.codes, () => this.#kept());
    if (this.enrolment) return enrolPanel(this.enrolment, { ...shared, confirm: (code) => this.#confirm(code), cancel: () => this.#stop() });
    return factorPanel(this.security, { ...shared, asks: this.asks, choose: (asks) => this.#choose(asks), answer: (text) => this.#answer(text) });
  }

  #password() {
    if (!this.security) return null;
    const change = (/** @type {FormData} */ entries, /** @type {HTMLFormElement} */ form) => this.#change(entries, form);
    return passwordPanel({ with_code: this.security.second_factor, error: this.password_error, busy: this.busy, done: this.password_done, change });
  }

  entered() {
    this.#load();
  }

  async #load() {
    try {
      this.security = await staff.get(`${PATH}/security`);
    } catch (error) {
      if (isSignedOut(error)) this.ask("signed-out");
      else this.error = explain(error);
    }
  }

  /** @param {string} asks */
  #choose(asks) {
    this.asks = asks;
    this.error = "";
  }

  #stop() {
    this.enrolment = null;
    this.#choose("");
  }

  #kept() {
    this.codes = null;
    this.#load();
  }

  /** @param {string} text the password, or a code */
  #answer(text) {
    return this.#try(async () => {
      if (this.asks === "password") this.enrolment = await post("/second-factor", { password: text });
      if (this.asks === "renew") this.codes = (await post("/second-factor/codes", { code: text })).recovery_codes;
      if (this.asks === "off") {
        goOn((await post("/second-factor/off", { code: text })).token);
        announce(t("factor.ended"));
        await this.#load();
      }
      this.asks = "";
    });
  }

  /** @param {string} code */
  #confirm(code) {
    return this.#try(async () => {
      const on = await post("/second-factor/confirm", { code });
      goOn(on.token);
      this.enrolment = null;
      this.codes = on.recovery_codes;
    });
  }

  /**
   * @param {FormData} entries
   * @param {HTMLFormElement} form
   */
  async #change(entries, form) {
    const typed = (/** @type {string} */ name) => String(entries.get(name) ?? "");
    const code = typed("code").trim();
    this.busy = true;
    this.password_error = "";
    this.password_done = false;
    try {
      const changed = await post("/password", { password: typed("password"), new_password: typed("new_password"), ...(code && { code }) });
      goOn(changed.token);
      form.reset();
      this.password_done = true;
    } catch (error) {
      this.password_error = why(error);
    }
    this.busy = false;
  }

  /** @param {() => Promise<void>} deed */
  async #try(deed) {
    this.busy = true;
    this.error = "";
    try {
      await deed();
    } catch (error) {
      this.error = why(error);
    }
    this.busy = false;
  }
}

/**
 * @param {string} path
 * @param {any} body
 */
function post(path, body) {
  return staff.request("POST", PATH + path, { body });
}

/** @param {unknown} error */
function why(error) {
  return error instanceof Problem && error.code === "WrongPassword" ? t("password.wrong") : explain(error);
}

customElements.define("account-security", AccountSecurity);
