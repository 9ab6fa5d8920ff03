/**
 * What all our elements share: they draw themselves into the light DOM (one style sheet per concept
 * reaches them, forms and labels work), once per change however many properties changed, and again
 * when the language does. Requests go up as events, state comes down as properties.
 */

import { onLanguage } from "../strings/speak.js";
import { render } from "./dom.js";

export class SilkElement extends HTMLElement {
  #pending = false;
  /** @type {(() => void)[]} */
  #leaving = [];

  connectedCallback() {
    this.#leaving.push(onLanguage(() => this.update()));
    this.draw();
    this.entered();
  }

  disconnectedCallback() {
    for (const leave of this.#leaving.splice(0)) leave();
  }

  /** Called once in the page, after the first drawing. */
  entered() {}

  /** What to show: descriptions made by `h`.
   * @returns {import("./dom.js").Child}
   */
  view() {
    return null;
  }

  /** Draw soon: many changes, one drawing. */
  update() {
    if (this.#pending || !this.isConnected) return;
    this.#pending = true;
    queueMicrotask(() => {
      this.#pending = false;
      if (this.isConnected) this.draw();
    });
  }

  /** What had the focus and goes hands it to the heir that the view names (`data-heir`), not to the page. */
  draw() {
    const held = document.activeElement;
    const ours = held !== null && ownerOf(held) === this;
    render(this, this.view());
    if (ours && !held.isConnected) /** @type {HTMLElement | null} */ (this.querySelector("[data-heir]"))?.focus({ preventScroll: true });
  }

  /**
   * Do this when the element leaves the page.
   * @param {() => void} leave
   */
  leaving(leave) {
    this.#leaving.push(leave);
  }

  /**
   * Listen as long as the element is in the page.
   * @param {EventTarget} target
   * @param {string} name
   * @param {(event: any) => void} handler
   * @param {AddEventListenerOptions} [options]
   */
  listen(target, name, handler, options) {
    target.addEventListener(name, handler, options);
    this.leaving(() => target.removeEventListener(name, handler, options));
  }

  /**
   * Ask those above for something.
   * @param {string} name
   * @param {any} [detail]
   */
  ask(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true }));
  }
}

/**
 * The element that drew a node.
 * @param {Element} node
 */
function ownerOf(node) {
  let owner = node.parentElement;
  while (owner && !(owner instanceof SilkElement)) owner = owner.parentElement;
  return owner;
}

/**
 * The base of an element with properties that draw it anew when they change.
 * @template {Record<string, any>} P
 * @param {P} defaults
 * @returns {new () => SilkElement & P}
 */
export function silk(defaults) {
  class WithProperties extends SilkElement {}
  for (const [name, initial] of Object.entries(defaults)) {
    const slot = Symbol(name);
    Object.defineProperty(WithProperties.prototype, name, {
      get() {
        return slot in this ? this[slot] : initial;
      },
      set(value) {
        if (this[name] === value) return;
        this[slot] = value;
        this.update();
      },
    });
  }
  return /** @type {any} */ (WithProperties);
}
