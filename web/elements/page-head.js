/** `<page-head>`: the top of a page that is not the player: the mark, where one is, language, sign-out. */

import { t } from "../strings/speak.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import "./language-switch.js";

/** @typedef {{href: string, text: string, here?: boolean}} Way */

export class PageHead extends silk({
  title_text: "",
  ways: /** @type {Way[]} */ ([]),
  account: "",
  extra: /** @type {import("./dom.js").Child} */ (null),
}) {
  view() {
    return h(
      "header",
      { class: "page-head" },
      h(
        "a",
        { class: "brand", href: "/", "aria-label": "Silkcast" },
        h("img", { class: "mark", src: "/web/pictures/mark.svg", alt: "", width: 32, height: 32 }),
        h("span", { class: "brand-name" }, "Silkcast"),
      ),
      this.title_text && h("span", { key: "title", class: "page-title" }, this.title_text),
      this.ways.length > 0 &&
        h(
          "nav",
          { key: "ways", class: "ways" },
          this.ways.map((way) => h("a", { key: way.href, href: way.href, "aria-current": way.here ? "page" : null }, way.text)),
        ),
      h("span", { key: "gap", class: "gap" }),
      this.extra,
      this.account &&
        h(
          "button",
          { key: "leave", type: "button", class: "button plain small", title: t("signin.as", { name: this.account }), "data-testid": "sign-out", onclick: () => this.ask("sign-out") },
          t("signin.leave"),
        ),
      h("language-switch", { key: "language" }),
    );
  }
}

customElements.define("page-head", PageHead);
