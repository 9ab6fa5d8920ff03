/** `<language-switch>`: the page's language, in its own words. */

import { LANGUAGES, language, speak, t } from "../strings/speak.js";
import { h } from "./dom.js";
import { SilkElement } from "./element.js";
import { icon } from "./icon.js";

class LanguageSwitch extends SilkElement {
  view() {
    return h(
      "label",
      { class: "language" },
      h("span", { class: "unseen" }, t("language.choose")),
      icon("globe"),
      h(
        "select",
        {
          ".value": language(),
          "data-testid": "language",
          onchange: (/** @type {Event} */ event) => speak(/** @type {any} */ (event.target).value),
        },
        Object.entries(LANGUAGES).map(([code, name]) => h("option", { key: code, value: code, lang: code }, name)),
      ),
    );
  }
}

customElements.define("language-switch", LanguageSwitch);
