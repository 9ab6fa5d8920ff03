/** `<merchant-order>`: one order of the office: what is in it, where it goes, what came of it, what to do next. */

import { dayAndTime, language, money, said, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { saveFile } from "../transport/save-file.js";
import { isSignedOut, staff } from "../transport/session.js";
import { amountLines } from "./amounts.js";
import { announce } from "./announce.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { explain } from "./explain.js";
import { icon } from "./icon.js";
import { askCancel, askDecline, askRefund, askTakeBack, canCancel, canTakeBack, moneyLeft, nextSteps, openReturn, reasonName, stepName } from "./order-deeds.js";
import { orderNumber } from "./order-number.js";
import { statePill, stateWord } from "./order-states.js";
import { productPicture } from "./product-picture.js";
import { refundRow } from "./refund-row.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("../types.js").OrderFile} OrderFile */
/** @typedef {import("./order-deeds.js").Deed} Deed */

export class MerchantOrder extends silk({
  order_id: "",
  file: /** @type {OrderFile | null} */ (null),
  contact: /** @type {import("../types.js").Contact | null} */ (null),
  error: "",
  busy: "",
}) {
  get #path() {
    return `/api/merchant/orders/${encodeURIComponent(this.order_id)}`;
  }

  view() {
    const file = this.file;
    return [
      h(
        "header",
        { key: "head", class: "view-head" },
        h("a", { class: "icon-button", href: "/merchant?view=orders", "aria-label": t("back") }, icon("back")),
        h("div", { class: "order-title" }, h("h1", { class: "figures" }, orderNumber(this.order_id)), file && statePill(file.order.state)),
        h("span", { class: "gap" }),
        file && this.#papers(),
      ),
      this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error),
      file ? this.#order(file) : this.#waiting(),
    ];
  }

  #waiting() {
    if (!this.error) return h("div", { key: "bones", class: "panel is-skeleton" }, [1, 2, 3, 4].map(() => h("span", { class: "bone" })));
    const again = h("button", { class: "button accent", type: "button", onclick: () => this.#load() }, t("retry"));
    return stateNote({ icon: "box", title: t("error.title"), text: this.error, action: again, testid: "state-error" });
  }

  #papers() {
    const paper = (/** @type {string} */ name, /** @type {string} */ words) =>
      h("button", { type: "button", class: "button small", disabled: this.busy === name, "data-testid": name, onclick: () => this.#save(name) }, icon("save"), words);
    return h("div", { class: "row-ways" }, paper("invoice", t("merchant.invoice")), paper("packing-list", t("merchant.packing")));
  }

  /** @param {OrderFile} file */
  #order(file) {
    return h(
      "div",
      { key: "order", class: "order-file" },
      h("div", { key: "left", class: "order-column" }, this.#next(file), this.#goods(file), this.#money(file)),
      h("div", { key: "right", class: "order-column" }, this.#buyer(file), this.#returns(file), history(file)),
    );
  }

  /** @param {OrderFile} file */
  #next(file) {
    const [first, ...others] = nextSteps(file);
    const wish = openReturn(file);
    if (!first && !canCancel(file) && !canTakeBack(file)) return null;
    const step = (/** @type {string} */ state, /** @type {string} */ kind) =>
      h("button", { key: state, type: "button", class: `button ${kind}`, disabled: this.busy !== "", "data-testid": `step-${state}`, onclick: () => this.#do({ deed: "advance", body: { state } }) }, stepName(state));
    return h(
      "section",
      { key: "next", class: "panel" },
      h("h2", null, t("merchant.next")),
      h(
        "div",
        { class: "deeds" },
        first && step(first, wish ? "" : "accent"),
        others.map((state) => step(state, "")),
        canTakeBack(file) && h("button", { key: "back", type: "button", class: `button ${wish ? "accent" : ""}`, "data-testid": "take-back", onclick: () => this.#ask(askTakeBack(file)) }, t("merchant.takeback")),
        canCancel(file) && h("button", { key: "cancel", type: "button", class: "button plain danger", "data-testid": "cancel", onclick: () => this.#ask(askCancel()) }, t("merchant.cancel")),
      ),
    );
  }

  /** @param {OrderFile} file */
  #goods({ order }) {
    const { currency } = order.amounts;
    return h(
      "section",
      { key: "goods", class: "panel" },
      h("h2", null, t("merchant.goods")),
      h("ul", { class: "cart-lines" }, order.lines.map((line, number) => goods(line, number, currency))),
      h("div", { class: "cart-sum" }, amountLines(order.amounts)),
    );
  }

  /** @param {OrderFile} file */
  #money(file) {
    const { currency } = file.order.amounts;
    return h(
      "section",
      { key: "money", class: "panel" },
      h("h2", null, t("merchant.money")),
      h("dl", { class: "facts" }, fact(t("merchant.paidby"), paidBy(file)), fact(t("merchant.givenback"), money(file.refunded, currency))),
      file.refunds.length > 0 && h("ul", { class: "refunds", "data-testid": "refunds" }, file.refunds.map(refundRow)),
      moneyLeft(file) > 0 && h("div", { class: "deeds" }, h("button", { type: "button", class: "button small", "data-testid": "refund", onclick: () => this.#ask(askRefund(file)) }, t("merchant.refund"))),
    );
  }

  /** @param {OrderFile} file */
  #buyer({ order }) {
    const shown = this.contact ?? order.contact;
    return h(
      "section",
      { key: "buyer", class: "panel" },
      h("h2", null, t("merchant.buyer")),
      shown ? h("address", { class: "contact" }, [shown.name, shown.phone, shown.address, shown.email].filter(Boolean).map((line) => h("span", { key: line, class: "contact-line" }, line))) : h("p", { class: "quiet" }, t("merchant.erased")),
      order.contact && !this.contact && h("div", { class: "deeds" }, h("button", { type: "button", class: "button small", "data-testid": "read-contact", onclick: () => this.#read() }, icon("eye"), t("merchant.readcontact"))),
      order.contact && h("p", { class: "small quiet" }, t("merchant.readcontact.note")),
    );
  }

  /** @param {OrderFile} file */
  #returns(file) {
    if (!file.returns.length) return null;
    const open = openReturn(file);
    return h(
      "section",
      { key: "returns", class: `panel ${open ? "is-asked" : ""}`, "data-testid": "returns" },
      h("h2", null, t("merchant.returns")),
      h("ul", { class: "refunds" }, file.returns.map((one) => returned(file, one))),
      open && h("div", { class: "deeds" }, h("button", { type: "button", class: "button small", "data-testid": "decline", onclick: () => this.#ask(askDecline()) }, t("merchant.decline"))),
    );
  }

  entered() {
    this.#load();
  }

  async #load() {
    await this.#try(async () => {
      this.file = await staff.get(this.#path);
    });
  }

  /** @param {Promise<Deed | null>} asked */
  async #ask(asked) {
    const deed = await asked;
    if (deed) await this.#do(deed);
  }

  /** @param {Deed} deed */
  async #do({ deed, body }) {
    const version = this.file?.order.version;
    this.busy = deed;
    await this.#try(async () => {
      this.file = await staff.command(`${this.#path}/${deed}`, { ...body, version });
      announce(stateWord(this.file?.order.state ?? ""));
    });
    this.busy = "";
  }

  async #read() {
    await this.#try(async () => {
      this.contact = await staff.request("POST", `${this.#path}/contact`, { body: { purpose: "parcel_label" } });
    });
  }

  /** @param {string} name */
  async #save(name) {
    this.busy = name;
    await this.#try(() => saveFile(staff, `${this.#path}/${name}?language=${language()}`, `${name}-${this.order_id.split(".")[0]}.pdf`));
    this.busy = "";
  }

  /** @param {() => Promise<void>} work */
  async #try(work) {
    try {
      await work();
      this.error = "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (isSignedOut(error)) this.ask("signed-out");
      if (error.code === "VersionDiffers") this.file = await staff.get(this.#path);
      this.error = explain(error);
    }
    this.update();
  }
}

/**
 * @param {import("../types.js").Line} line
 * @param {number} number
 * @param {string} currency
 */
function goods(line, number, currency) {
  return h(
    "li",
    { key: number, class: "cart-line" },
    productPicture(line.image, ""),
    h(
      "div",
      { class: "cart-words" },
      h("p", { class: "cart-name" }, said(line.title) || line.offer),
      h("p", { class: "quiet figures" }, `${line.quantity} × ${money(line.price, currency)}`, line.returned ? ` · ${t("return.back", { n: line.returned })}` : null),
    ),
    h("strong", { class: "figures" }, money(line.price * line.quantity, currency)),
  );
}

/** @param {OrderFile} file */
function paidBy({ payments }) {
  return payments.find(({ state }) => state === "succeeded")?.provider ?? "–";
}

/**
 * @param {string} name
 * @param {string} value
 */
function fact(name, value) {
  return h("div", { key: name, class: "fact" }, h("dt", null, name), h("dd", { class: "figures" }, value));
}

/**
 * @param {OrderFile} file
 * @param {import("../types.js").Return} one
 */
function returned({ order }, one) {
  const lines = one.lines.map(({ line, pieces }) => `${pieces} × ${said(order.lines[line]?.title)}`).join(", ");
  return h(
    "li",
    { key: one.asked_at, class: "refund" },
    h("span", null, lines, h("span", { class: "quiet small" }, ` · ${reasonName(one.reason)}`)),
    h("span", { class: `pill ${one.state === "asked" ? "warn" : ""}` }, t(`return.${one.state}`)),
    h("span", { class: "quiet small figures refund-when" }, dayAndTime(one.asked_at, Date.now())),
  );
}

/** @param {OrderFile} file */
function history({ changes }) {
  return h(
    "section",
    { key: "history", class: "panel" },
    h("h2", null, t("merchant.history")),
    h(
      "ol",
      { class: "history" },
      [...changes].reverse().map((one) => h("li", { key: one.version }, h("span", null, stateWord(one.state), one.reason && h("span", { class: "quiet" }, ` · ${reasonName(one.reason)}`)), h("span", { class: "quiet small figures" }, dayAndTime(one.at, Date.now())))),
    ),
  );
}

customElements.define("merchant-order", MerchantOrder);
