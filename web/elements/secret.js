/** A value to be copied and kept elsewhere: shown in a field that selects itself, with a key to copy it. */

import { t } from "../strings/speak.js";
import { announce } from "./announce.js";
import { h } from "./dom.js";
import { icon } from "./icon.js";

/** @param {string} value */
export async function copy(value) {
  await navigator.clipboard?.writeText(value);
  announce(t("copied"));
}

/**
 * @param {string} label
 * @param {string} value
 */
export function secret(label, value) {
  const input = h("input", { class: "figures", readonly: true, "aria-label": label, ".value": value, onfocus: (/** @type {FocusEvent} */ event) => /** @type {HTMLInputElement} */ (event.target).select() });
  const key = h("button", { type: "button", class: "icon-button", "aria-label": `${t("copy")}: ${label}`, onclick: () => copy(value) }, icon("copy"));
  return h("div", { key: label, class: "field" }, h("span", { class: "label" }, label), h("span", { class: "secret" }, input, key));
}
