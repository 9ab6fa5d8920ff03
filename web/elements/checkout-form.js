/**
 * `<checkout-form>`: where an order goes. Asks for `place` (detail: Contact) when all fields are
 * fit. Nothing typed here is kept by the page; the browser's own autofill knows these fields.
 */

import { FIELDS, isGood, toMend } from "../store/contact.js";
import { language, t } from "../strings/speak.js";
import { h } from "./dom.js";
import { silk } from "./element.js";

/** @typedef {import("../store/contact.js").Field} Field */

/** @type {Record<Field, Record<string, any>>} */
const INPUTS = {
  name: { autocomplete: "name", maxlength: 80, autocapitalize: "words" },
  phone: { autocomplete: "tel", type: "tel", inputmode: "tel", maxlength: 32 },
  address: { autocomplete: "street-address", maxlength: 300 },
  email: { autocomplete: "email", type: "email", inputmode: "email", maxlength: 254, required: false },
};

export class CheckoutForm extends silk({
  price: "",
  error: "",
  busy: false,
  blocked: false,
  minutes: 0,
}) {
  /** @type {Set<Field>} */
  #bad = new Set();

  view() {
    return h(
      "form",
      { class: "form", novalidate: true, "data-testid": "checkout-form", onsubmit: (/** @type {SubmitEvent} */ event) => this.#submit(event) },
      FIELDS.map((field) => this.#field(field)),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      h(
        "button",
        { key: "place", class: "button accent wide", "data-testid": "place-order", disabled: this.blocked, "aria-disabled": this.busy ? "true" : null },
        this.busy ? t("checkout.place.busy") : t("checkout.place", { price: this.price }),
      ),
      this.minutes > 0 && h("p", { key: "held", class: "small quiet centred" }, t("checkout.held", { n: this.minutes })),
    );
  }

  /** @param {Field} field */
  #field(field) {
    const bad = this.#bad.has(field);
    const id = `contact-${field}`;
    return h(
      "div",
      { key: field, class: "field" },
      h("label", { for: id }, t(`checkout.${field}`)),
      h(field === "address" ? "textarea" : "input", {
        id,
        name: field,
        required: true,
        rows: field === "address" ? 2 : null,
        placeholder: field === "address" ? t("checkout.address.hint") : null,
        "aria-invalid": bad ? "true" : null,
        "aria-describedby": bad ? `${id}-bad` : null,
        onblur: (/** @type {FocusEvent} */ event) => this.#left(field, /** @type {HTMLInputElement} */ (event.target).value),
        oninput: (/** @type {InputEvent} */ event) => bad && this.#left(field, /** @type {HTMLInputElement} */ (event.target).value),
        ...INPUTS[field],
      }),
      bad && h("p", { id: `${id}-bad`, class: "field-bad" }, t(`checkout.${field}.bad`)),
    );
  }

  /**
   * @param {Field} field
   * @param {string} text
   */
  #left(field, text) {
    // An untouched field is not wrong yet.
    if (text.trim() && !isGood(field, text)) this.#bad.add(field);
    else if (text.trim() || field === "email") this.#bad.delete(field);
    this.update();
  }

  /** @param {SubmitEvent} event */
  #submit(event) {
    event.preventDefault();
    const entries = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const text = (/** @type {Field} */ field) => String(entries.get(field) ?? "").trim();
    const contact = { name: text("name"), phone: text("phone"), address: text("address"), ...news(text("email")) };
    const mend = toMend(contact);
    this.#bad = new Set(mend);
    this.draw();
    if (mend.length) /** @type {HTMLElement | null} */ (this.querySelector(`[name=${mend[0]}]`))?.focus();
    else if (!this.busy) this.ask("place", contact);
  }
}

/**
 * Where news of the order goes, and in which language; nothing where no address was written.
 * @param {string} email
 */
function news(email) {
  return email ? { email, language: language() } : {};
}

customElements.define("checkout-form", CheckoutForm);
