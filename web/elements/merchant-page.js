/**
 * `<merchant-page>`: the merchant's office: shows, the rundown of one, orders, studios, the account; and the
 * operator's: the trail, persons, staff, the account. Where one is, and every filter, lives in the address, so that a page
 * can be kept, sent and gone back to.
 */

import { said, t } from "../strings/speak.js";
import { Problem } from "../transport/api.js";
import { isSignedOut, signOut, staff, staffSession } from "../transport/session.js";
import { h } from "./dom.js";
import { SilkElement } from "./element.js";
import { explain } from "./explain.js";
import "./account-security.js";
import "./merchant-order.js";
import "./merchant-orders.js";
import "./merchant-pair.js";
import "./merchant-rundown.js";
import "./merchant-shows.js";
import "./merchant-studios.js";
import "./operator-persons.js";
import "./operator-staff.js";
import "./operator-trail.js";
import "./page-head.js";
import "./sign-in.js";
import { stateNote } from "./state-note.js";

/** @typedef {import("../types.js").Show} Show */
/** @typedef {import("../types.js").Studio} Studio */

const VIEWS = ["shows", "orders", "studios", "pair", "account"];
const OPERATORS_VIEWS = ["trail", "persons", "staff", "account"];

class MerchantPage extends SilkElement {
  account = staffSession()?.account ?? null;
  /** @type {Show[] | null} */
  shows = null;
  /** @type {Studio[]} */
  studios = [];
  error = "";

  view() {
    if (!this.account) return [h("page-head", { key: "head" }), h("sign-in", { key: "sign-in", ".place": t("signin.merchant") })];
    const { view, show } = this.#where();
    const key = view === "order" ? show : `${view} ${show}`;
    return [
      h("page-head", { key: "head", ".ways": this.#isOperator ? operatorsWays(view) : merchantsWays(view), ".account": this.account.name }),
      h("main", { key, class: "page merchant" }, this.error ? this.#failed() : this.#body(view, show)),
    ];
  }

  /**
   * @param {string} view
   * @param {string} show
   */
  #body(view, show) {
    if (view === "order") return h("merchant-order", { ".order_id": show });
    if (view === "orders") return h("merchant-orders", { ".shows": this.shows ?? [] });
    if (view === "account") return h("account-security", null);
    if (view === "persons") return h("operator-persons", null);
    if (view === "staff") return h("operator-staff", null);
    if (view === "trail") return h("operator-trail", null);
    if (view === "pair") return h("merchant-pair", { ".studios": this.studios });
    if (view === "studios") return h("merchant-studios", { ".studios": this.studios, ".known": this.shows !== null });
    if (view === "rundown") return h("merchant-rundown", { ".show": this.shows?.find(({ id }) => id === show) ?? null, ".show_id": show });
    return h("merchant-shows", { ".shows": this.shows, ".studios": this.studios });
  }

  #failed() {
    const again = h("button", { class: "button accent", type: "button", onclick: () => this.#load() }, t("retry"));
    return stateNote({ icon: "cloud", title: t("error.title"), text: this.error, action: again, testid: "state-error" });
  }

  #where() {
    const query = new URLSearchParams(location.search);
    const show = query.get("show") ?? "";
    const view = query.get("view") ?? (location.pathname === "/pair" ? "pair" : "");
    if (view === "rundown" && show) return { view, show };
    const order = query.get("order") ?? "";
    if (view === "order" && order) return { view, show: order };
    const views = this.#isOperator ? OPERATORS_VIEWS : VIEWS;
    return { view: views.includes(view) ? view : views[0], show: "" };
  }

  get #isOperator() {
    return this.account?.role === "operator";
  }

  entered() {
    this.listen(this, "signed-in", ({ detail }) => {
      this.account = detail;
      this.update();
      this.#load();
    });
    this.listen(this, "sign-out", async () => {
      await signOut();
      location.assign(this.#isOperator ? "/operator" : "/merchant");
    });
    this.listen(this, "shows-changed", () => this.#load());
    this.listen(this, "signed-out", () => this.#out());
    this.listen(this, "go", ({ detail }) => go(detail));
    this.listen(window, "popstate", () => this.update());
    this.listen(this, "click", (event) => this.#follow(event));
    if (this.account) this.#load();
  }

  #out() {
    this.account = null;
    this.update();
  }

  /** A link of this page changes the address without loading it anew.
   * @param {MouseEvent} event
   */
  #follow(event) {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    const here = this.#isOperator ? "/operator" : "/merchant";
    if (!link || link.target || link.pathname !== here || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.search, here);
  }

  async #load() {
    if (this.#isOperator) return this.update();
    try {
      [{ shows: this.shows }, { studios: this.studios }] = await Promise.all([staff.get("/api/merchant/shows"), staff.get("/api/merchant/studios")]);
      this.error = "";
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (isSignedOut(error)) return this.#out();
      this.error = explain(error);
    }
    document.title = `${said(t("merchant.title"))} · Silkcast`;
    this.update();
  }
}

/** @param {string} view */
function merchantsWays(view) {
  return [
    { href: "/merchant", text: t("merchant.shows"), here: view === "shows" || view === "rundown" },
    { href: "/merchant?view=orders", text: t("merchant.orders"), here: view === "orders" || view === "order" },
    { href: "/merchant?view=studios", text: t("merchant.studios"), here: view === "studios" || view === "pair" },
    { href: "/merchant?view=account", text: t("account.way"), here: view === "account" },
  ];
}

/** @param {string} view */
function operatorsWays(view) {
  return [
    { href: "/operator", text: t("trail.title"), here: view === "trail" },
    { href: "/operator?view=persons", text: t("operator.persons"), here: view === "persons" },
    { href: "/operator?view=staff", text: t("staff.title"), here: view === "staff" },
    { href: "/operator?view=account", text: t("account.way"), here: view === "account" },
  ];
}

/**
 * @param {string} search such as `?view=orders&state=paid`
 * @param {string} [path]
 */
export function go(search, path = "/merchant") {
  history.pushState(null, "", `${path}${search}`);
  dispatchEvent(new PopStateEvent("popstate"));
}

customElements.define("merchant-page", MerchantPage);
