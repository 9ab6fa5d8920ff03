/** How many pieces of each line go back: one number field a line, and what was written read again. */

import { said, t } from "../strings/speak.js";
import { h } from "./dom.js";

/** @typedef {import("../types.js").Line} Line */

/** @param {Line} line */
export const piecesLeft = (line) => line.quantity - (line.returned ?? 0);

/**
 * @param {Line[]} lines
 * @param {(number: number, line: Line) => number} wished how many stand there at first
 */
export function returnFields(lines, wished) {
  return lines.map((line, number) => {
    const left = piecesLeft(line);
    if (!left) return null;
    const id = `pieces-${number}`;
    return h(
      "div",
      { key: id, class: "pieces-field" },
      h("label", { for: id }, said(line.title) || line.offer, h("span", { class: "quiet small" }, t("return.of", { n: left }))),
      h("input", { id, name: id, class: "input figures", type: "number", inputmode: "numeric", min: 0, max: left, step: 1, required: true, value: wished(number, line) }),
    );
  });
}

/**
 * @param {FormData} written
 * @returns {{line: number, pieces: number}[]}
 */
export function readPieces(written) {
  return [...written]
    .filter(([name, value]) => name.startsWith("pieces-") && Number(value) > 0)
    .map(([name, value]) => ({ line: Number(name.slice("pieces-".length)), pieces: Number(value) }));
}
