/** Asks before something that cannot be undone. Resolves true only when the deed was pressed. */

import { t } from "../strings/speak.js";
import { h, render } from "./dom.js";

/**
 * @param {{title: string, text?: string, deed: string, keep?: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmDeed({ title, text, deed, keep = t("cancel") }) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog small-dialog";
  dialog.setAttribute("aria-label", title);
  const answer = (/** @type {string} */ value) => () => dialog.close(value);
  render(
    dialog,
    h("h2", null, title),
    text && h("p", { class: "quiet" }, text),
    h(
      "div",
      { class: "dialog-actions" },
      h("button", { type: "button", class: "button", autofocus: true, onclick: answer("") }, keep),
      h("button", { type: "button", class: "button stop", "data-testid": "confirm", onclick: answer("yes") }, deed),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    });
  });
}
