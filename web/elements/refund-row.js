/** One refund in a list: how much, how far it is, since when. */

import { dayAndTime, money, t } from "../strings/speak.js";
import { h } from "./dom.js";

/** @param {import("../types.js").Refund} refund */
export function refundRow(refund) {
  return h(
    "li",
    { key: `${refund.created_at} ${refund.amount}`, class: "refund", "data-state": refund.state },
    h("strong", { class: "figures" }, money(refund.amount, refund.currency)),
    h("span", { class: `pill ${refund.state === "made" ? "good" : "warn"}` }, t(`refund.${refund.state}`)),
    h("span", { class: "quiet small figures refund-when" }, dayAndTime(refund.changed_at, Date.now())),
  );
}
