/**
 * `<operator-persons>`: what the law lets an operator look into: who read whose contact, what was said to
 * payment firms about an order, and the erasing of a person. Every look is itself written down.
 */

import { dayAndTime, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { isSignedOut, staff } from "../transport/session.js";
import { announce } from "./announce.js";
import { confirmDeed } from "./confirm.js";
import { h } from "./dom.js";
import { SilkElement } from "./element.js";
import { explain } from "./explain.js";
import { stateNote } from "./state-note.js";

/** @typedef {{id: number, contact: string, person: string, reader: string, purpose: string, at: number}} Read */
/** @typedef {{payment: string, provider: string, kind: string, at: number, verdict: string | null, request: string, response: string}} Message */

class OperatorPersons extends SilkElement {
  /** @type {Read[] | null} */
  reads = null;
  /** @type {number | null} */
  next = null;
  /** @type {Message[] | null} */
  messages = null;
  order = "";
  error = "";

  view() {
    return [h("header", { key: "head", class: "view-head" }, h("h1", null, t("operator.persons"))), this.error && h("p", { key: "error", class: "form-error", role: "alert" }, this.error), this.#ask(), this.#said(), this.#readers()];
  }

  #ask() {
    const look = (/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      this.order = String(new FormData(/** @type {HTMLFormElement} */ (event.target)).get("order") ?? "").trim();
      this.#look();
    };
    return h(
      "section",
      { key: "ask", class: "panel" },
      h("h2", null, t("operator.order")),
      h(
        "form",
        { class: "form", onsubmit: look },
        h("div", { class: "field" }, h("label", { for: "order" }, t("operator.order.id")), h("input", { id: "order", name: "order", class: "figures", required: true, maxlength: 130, spellcheck: "false", placeholder: "or-….sh-…" })),
        h("div", { class: "deeds" }, h("button", { class: "button accent", "data-testid": "look" }, t("operator.messages")), h("button", { type: "button", class: "button plain danger", "data-testid": "erase", disabled: !this.messages, onclick: () => this.#erase() }, t("operator.erase"))),
      ),
    );
  }

  #said() {
    if (!this.messages) return null;
    if (!this.messages.length) return stateNote({ icon: "box", title: t("operator.messages.none") });
    return h(
      "section",
      { key: "said", class: "panel", "data-testid": "messages" },
      h("h2", null, t("operator.said")),
      this.messages.map((one, number) =>
        h(
          "details",
          { key: number, class: "said" },
          h("summary", null, h("strong", null, `${one.provider} · ${one.kind}`), one.verdict && h("span", { class: "quiet" }, ` · ${one.verdict}`), h("span", { class: "quiet small figures" }, ` · ${dayAndTime(one.at, Date.now())}`)),
          h("pre", null, one.request),
          one.response && h("pre", null, one.response),
        ),
      ),
    );
  }

  #readers() {
    if (!this.reads) return h("div", { key: "bones", class: "panel is-skeleton" }, [1, 2, 3].map(() => h("span", { class: "bone" })));
    if (!this.reads.length) return stateNote({ icon: "eye", title: t("operator.reads.none") });
    return h(
      "section",
      { key: "reads", class: "table-room" },
      h(
        "table",
        { class: "calm stacks", "data-testid": "reads" },
        h("thead", null, h("tr", null, h("th", null, t("operator.when")), h("th", null, t("operator.reader")), h("th", null, t("operator.purpose")), h("th", null, t("operator.person")))),
        h("tbody", null, this.reads.map(readRow)),
      ),
      this.next !== null && h("div", { class: "more" }, h("button", { type: "button", class: "button", onclick: () => this.#load(this.next) }, t("merchant.more"))),
    );
  }

  entered() {
    this.#load();
  }

  /** @param {number | null} [before] */
  async #load(before = null) {
    await this.#try(async () => {
      const { reads, next } = await staff.get(`/api/operator/reads${before ? `?before=${before}` : ""}`);
      this.reads = before ? [...(this.reads ?? []), ...reads] : reads;
      this.next = next;
    });
  }

  async #look() {
    this.messages = null;
    await this.#try(async () => {
      this.messages = (await staff.get(`/api/operator/orders/${encodeURIComponent(this.order)}/messages`)).messages;
    });
  }

  async #erase() {
    if (!(await confirmDeed({ title: t("operator.erase.sure"), text: t("operator.erase.do"), deed: t("operator.erase") }))) return;
    await this.#try(async () => {
      await staff.request("POST", `/api/orders/${encodeURIComponent(this.order)}/erasure`, { body: { even_under_way: true } });
      announce(t("erase.done"));
    });
  }

  /** @param {() => Promise<void>} work */
  async #try(work) {
    this.error = "";
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (isSignedOut(error)) this.ask("signed-out");
      this.error = explain(error);
    }
    this.update();
  }
}

/** @param {Read} read */
function readRow(read) {
  return h(
    "tr",
    { key: read.id },
    h("td", { class: "lead-cell tight figures" }, dayAndTime(read.at, Date.now())),
    h("td", { "data-label": t("operator.reader") }, read.reader),
    h("td", { "data-label": t("operator.purpose") }, read.purpose),
    h("td", { class: "figures", "data-label": t("operator.person") }, read.person),
  );
}

customElements.define("operator-persons", OperatorPersons);
