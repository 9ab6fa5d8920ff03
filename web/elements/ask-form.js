/** Asks for a few fields before a deed. Resolves to what was written, or null when it was left. */

import { t } from "../strings/speak.js";
import { h, render } from "./dom.js";

/**
 * @param {{title: string, text?: string, fields: import("./dom.js").Child, deed: string, stop?: boolean}} question
 * @returns {Promise<FormData | null>}
 */
export function askForm({ title, text, fields, deed, stop = false }) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog small-dialog";
  dialog.setAttribute("aria-label", title);
  /** @type {FormData | null} */
  let written = null;
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    written = new FormData(/** @type {HTMLFormElement} */ (event.target));
    dialog.close();
  };
  render(
    dialog,
    h("h2", null, title),
    h(
      "form",
      { class: "form", onsubmit: submit },
      text && h("p", { class: "quiet" }, text),
      fields,
      h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("cancel")), h("button", { class: `button ${stop ? "stop" : "accent"}`, "data-testid": "confirm" }, deed)),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(written);
      dialog.remove();
    });
  });
}
