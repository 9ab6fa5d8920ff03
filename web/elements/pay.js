/** The way to the bank. It opens in a new tab, so that the show goes on; only http(s) is followed. */

import { language, money, t } from "../strings/speak.js";
import { h } from "./dom.js";
import { icon } from "./icon.js";

/** @param {import("../types.js").Order} order */
export function payLink({ pay_url, amounts }) {
  if (!pay_url) return null;
  const url = new URL(pay_url, location.href);
  if (url.protocol !== "https:" && url.protocol !== "http:") return null;
  if (url.searchParams.get("lang") === "") url.searchParams.set("lang", language());
  return h(
    "a",
    { key: "pay", class: "button accent wide", href: url.href, target: "_blank", rel: "noopener", "data-testid": "pay" },
    t("order.pay", { price: money(amounts.total, amounts.currency) }),
    icon("out"),
  );
}
