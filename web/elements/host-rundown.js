/** The middle column: what comes next, each with the key that pins it printed on it. */

import { isFew, isOver } from "../store/show-store.js";
import { minorDigits, money, number, said, t } from "../strings/speak.js";
import { h, render } from "./dom.js";
import { icon } from "./icon.js";
import { productPicture } from "./product-picture.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("./host-page.js").HostPage} HostPage */
/** @typedef {import("../types.js").Offer} Offer */

const KEYS = 9;

/** @param {HostPage} page */
export function rundown(page) {
  const offers = page.inOrder;
  return h(
    "section",
    { key: "next", class: "host-column host-next", "aria-label": t("host.next") },
    h("header", { class: "column-head" }, h("h2", null, t("host.next")), !isOver(page.now) && h("span", { class: "small quiet" }, t("host.keys"))),
    !offers
      ? h("ul", { key: "bones", class: "host-rows is-skeleton", "aria-busy": "true" }, [1, 2, 3, 4, 5].map(() => h("li", { class: "host-row" }, h("span", { class: "bone" }))))
      : offers.length
        ? h("ul", { key: "rows", class: "host-rows", "data-testid": "rundown" }, offers.map((offer, index) => row(page, offer, index)))
        : stateNote({ icon: "rows", title: t("host.rundown.empty"), text: t("host.rundown.empty.do") }),
  );
}

/**
 * @param {HostPage} page
 * @param {Offer} offer
 * @param {number} index
 */
function row(page, offer, index) {
  const title = said(offer.title);
  const on = page.pinned?.id === offer.id;
  const over = isOver(page.now);
  return h(
    "li",
    { key: offer.id, class: `host-row ${on ? "is-on" : ""} ${offer.sold_out && !over ? "is-gone" : ""}` },
    h(
      "button",
      { type: "button", class: "host-pin", disabled: over, "aria-pressed": String(on), "aria-label": t("host.pin", { title }), "data-testid": "pin", "data-offer": offer.id, onclick: () => page.pin(offer) },
      h("kbd", { class: index < KEYS ? "" : "is-none" }, index < KEYS ? index + 1 : "·"),
      productPicture(offer.image, ""),
      h(
        "span",
        { class: "host-row-words" },
        h("span", { class: "host-row-name" }, title),
        h("span", { class: "figures" }, h("strong", null, money(offer.price, page.now?.currency ?? "CNY")), on && h("span", { class: "pill on-air" }, t("host.pinned"))),
      ),
      h("span", { class: `host-stock figures ${isFew(offer) ? "few" : ""}`, title: t("offer.left", { n: offer.available }) }, over ? "" : offer.sold_out ? t("offer.soldout") : number(offer.available)),
    ),
    !over && h("button", { type: "button", class: "icon-button", "aria-label": t("host.menu", { title }), onclick: () => offerDialog(page, offer) }, icon("more")),
  );
}

/**
 * Price, place and the way off the table for one offer.
 * @param {HostPage} page
 * @param {Offer} offer
 */
function offerDialog(page, offer) {
  const dialog = document.createElement("dialog");
  const title = said(offer.title);
  const digits = minorDigits(page.now?.currency ?? "CNY");
  dialog.className = "dialog small-dialog";
  dialog.setAttribute("aria-label", title);
  const then = (/** @type {() => any} */ deed) => () => {
    dialog.close();
    deed();
  };
  /** @param {SubmitEvent} event */
  const reprice = (event) => {
    event.preventDefault();
    const value = Number(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("price"));
    if (!(value > 0)) return;
    dialog.close();
    page.command("reprice", { offer: offer.id, price: Math.round(value * 10 ** digits) });
  };
  render(
    dialog,
    h("h2", null, title),
    h(
      "form",
      { class: "form", onsubmit: reprice },
      h(
        "div",
        { class: "field" },
        h("label", { for: "new-price" }, t("host.price")),
        h("input", { id: "new-price", name: "price", type: "number", inputmode: "decimal", min: 0, step: 10 ** -digits, required: true, ".value": (offer.price / 10 ** digits).toFixed(digits) }),
      ),
      h("button", { class: "button accent wide" }, t("host.price.set")),
    ),
    h(
      "div",
      { class: "dialog-actions spread" },
      h("button", { type: "button", class: "icon-button", "aria-label": t("host.up"), onclick: then(() => page.move(offer, -1)) }, icon("up")),
      h("button", { type: "button", class: "icon-button", "aria-label": t("host.down"), onclick: then(() => page.move(offer, 1)) }, icon("down")),
      h("span", { class: "gap" }),
      h("button", { type: "button", class: "button plain stop", onclick: then(() => page.withdraw(offer)) }, t("host.withdraw.do")),
      h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("close")),
    ),
  );
  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
}
