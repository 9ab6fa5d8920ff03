/** A view that has nothing else to show: what happened, what to do, and at most one thing to press. */

import { h } from "./dom.js";
import { icon } from "./icon.js";

/**
 * @param {{icon?: import("./icon.js").IconName, title: string, text?: import("./dom.js").Child,
 *   action?: import("./dom.js").Child, class?: string, testid?: string}} note
 */
export function stateNote({ icon: name, title, text, action, class: kind = "", testid }) {
  return h(
    "div",
    { class: `note ${kind}`, "data-testid": testid },
    name && icon(name),
    h("p", { class: "note-title" }, title),
    text && h("p", { class: "note-text" }, text),
    action && h("div", { class: "note-action" }, action),
  );
}
