/** `<hold-clock>`: how long goods are still held, by the shop's clock. Says `over` once at the end. */

import { clockText, leftMs } from "../store/clock.js";
import { h } from "./dom.js";
import { silk } from "./element.js";

const LOOK_EVERY_MS = 250;

export class HoldClock extends silk({
  until: 0,
  ahead_ms: 0,
}) {
  #over = false;

  view() {
    const left = leftMs(this.until, Date.now(), this.ahead_ms);
    return h("time", { class: "figures", role: "timer", "data-testid": "hold-clock" }, clockText(left));
  }

  entered() {
    const looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.leaving(() => clearInterval(looking));
  }

  #look() {
    this.update();
    const over = leftMs(this.until, Date.now(), this.ahead_ms) === 0;
    if (over && !this.#over) this.ask("over");
    this.#over = over;
  }
}

customElements.define("hold-clock", HoldClock);
