/** `<heart-button>`: hearts, counted for all; presses are gathered for a second. Asks for `hearts`. */

import { number, t } from "../strings/speak.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { icon } from "./icon.js";

const GATHER_MS = 1_000;
const MOST_AT_ONCE = 50;

export class HeartButton extends silk({ count: 0 }) {
  #pressed = 0;
  /** @type {ReturnType<typeof setTimeout> | null} */
  #timer = null;

  view() {
    const count = this.count + this.#pressed;
    return h(
      "button",
      { type: "button", class: "heart on-picture", "aria-label": t("show.heart"), "data-testid": "heart", onclick: () => this.#press() },
      icon("heart"),
      count > 0 && h("span", { class: "figures", "aria-hidden": "true" }, number(count)),
    );
  }

  #press() {
    if (this.#pressed >= MOST_AT_ONCE) return;
    this.#pressed += 1;
    this.#rise();
    this.update();
    this.#timer ??= setTimeout(() => this.#send(), GATHER_MS);
  }

  #send() {
    this.#timer = null;
    this.ask("hearts", this.#pressed);
    this.#pressed = 0;
    this.update();
  }

  /** One heart goes up and fades; nobody who asked for stillness sees it move. */
  #rise() {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const still = this.querySelector(".icon-heart");
    if (!still) return;
    const rising = /** @type {SVGElement} */ (still.cloneNode(true));
    rising.classList.add("heart-rising");
    rising.addEventListener("animationend", () => rising.remove());
    this.append(rising);
  }
}

customElements.define("heart-button", HeartButton);
