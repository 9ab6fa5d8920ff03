/** Line icons on a 24 grid, one stroke, drawn for these pages. They speak to the eye alone. */

import { h } from "./dom.js";

const STROKES = {
  cart: ["M4 5h2.2l2 10.2h9.4L20 8H7", "M9.5 19.4h.01", "M16.5 19.4h.01"],
  heart: ["M12 19.5C7 16 4 13 4 9.4A4.2 4.2 0 0 1 12 7.6a4.2 4.2 0 0 1 8 1.8c0 3.6-3 6.6-8 10.1z"],
  sound: ["M4 9.5v5h3.5L12 18V6L7.5 9.5z", "M15.5 9.2a4 4 0 0 1 0 5.6", "M18 6.8a7.4 7.4 0 0 1 0 10.4"],
  muted: ["M4 9.5v5h3.5L12 18V6L7.5 9.5z", "M16 10l4.5 4.5", "M20.5 10 16 14.5"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  back: ["M14.5 5.5 8 12l6.5 6.5"],
  next: ["M9.5 5.5 16 12l-6.5 6.5"],
  up: ["M6 14.5 12 8.5l6 6"],
  down: ["M6 9.5l6 6 6-6"],
  plus: ["M12 5.5v13", "M5.5 12h13"],
  minus: ["M5.5 12h13"],
  bin: ["M5 7h14", "M10 7V4.8h4V7", "M7 7l.8 12h8.4L17 7", "M10.3 10.5v5", "M13.7 10.5v5"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
  play: ["M8 5.5v13l10.5-6.5z"],
  eye: ["M3 12s3.3-6 9-6 9 6 9 6-3.3 6-9 6-9-6-9-6z", "M12 14.6a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2z"],
  globe: ["M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16z", "M4 12h16", "M12 4c2.6 2.2 3.6 5 3.6 8s-1 5.8-3.6 8c-2.6-2.2-3.6-5-3.6-8s1-5.8 3.6-8z"],
  out: ["M14 5h5v5", "M19 5l-8 8", "M17 14v5H5V7h5"],
  save: ["M12 4.5v10", "M7.5 10.5 12 15l4.5-4.5", "M5 19h14"],
  pin: ["M9 4.5h6", "M10 4.5v6L7 14h10l-3-3.5v-6", "M12 14v5.5"],
  box: ["M4.5 8 12 4.5 19.5 8v8L12 19.5 4.5 16z", "M4.5 8 12 11.5 19.5 8", "M12 11.5v8"],
  more: ["M6 12h.01", "M12 12h.01", "M18 12h.01"],
  rows: ["M5 7h14", "M5 12h14", "M5 17h14"],
  copy: ["M9 9h10v10H9z", "M15 9V5H5v10h4"],
  warn: ["M12 4.5 21 19.5H3z", "M12 10v4.5", "M12 17h.01"],
  cloud: ["M4 4l16 16", "M8.5 8.6A5 5 0 0 0 7.5 18h9", "M11 6.6a5 5 0 0 1 5.9 4 3.8 3.8 0 0 1 2.6 6"],
};

/** @typedef {keyof typeof STROKES} IconName */

/** @param {IconName} name */
export function icon(name) {
  return h(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    STROKES[name].map((d) => h("path", { d })),
  );
}
