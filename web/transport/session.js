/**
 * Who this browser is to the shop: a buyer for good (localStorage), staff until the tab closes
 * (sessionStorage). Tokens go into a header and nowhere else: not into a URL, not into a log.
 */

import { Api, Problem } from "./api.js";
import { keep, kept } from "./keep.js";

/** @type {Promise<string> | null} */
let asking = null;

/** The buyer's token; the first page that needs one asks for it, other tabs wait for that one. */
export async function buyerToken() {
  const known = kept("local", "buyer");
  if (known?.token) return known.token;
  asking ??= alone("silkcast.buyer", becomeBuyer).finally(() => (asking = null));
  return asking;
}

async function becomeBuyer() {
  const known = kept("local", "buyer");
  if (known?.token) return known.token;
  const nobody = new Api({ token: async () => null });
  const buyer = await nobody.request("POST", "/api/buyers", { body: {} });
  keep("local", "buyer", { buyer: buyer.buyer, token: buyer.token });
  return buyer.token;
}

/**
 * One tab at a time, where the browser has locks.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
function alone(name, work) {
  return navigator.locks ? navigator.locks.request(name, work) : work();
}

/** The shop as a buyer meets it. */
export const buyer = new Api({ token: buyerToken, forgotten: () => keep("local", "buyer", null) });

/** The shop for what needs no name. */
export const anyone = new Api({ token: async () => null });

/** @returns {{token: string, account: import("../types.js").Account} | null} */
export function staffSession() {
  return kept("session", "staff");
}

export async function staffToken() {
  return staffSession()?.token ?? null;
}

/** The shop as a host, a merchant or an operator meets it; an unknown token signs out. */
export const staff = new Api({ token: staffToken });

/**
 * Throws Problem `WrongPassword` when name and password do not fit, `CodeNeeded` when they do and the
 * account has a second step.
 * @param {string} name
 * @param {string} password
 * @param {string} [code]
 */
export async function signIn(name, password, code) {
  const session = await anyone.request("POST", "/api/sessions", { body: { name, password, ...(code && { code }) } });
  keep("session", "staff", { token: session.token, account: session.account });
  return session.account;
}

/**
 * The shop ended all sessions of the account but this one, which goes on with another token.
 * @param {string} token
 */
export function goOn(token) {
  const session = staffSession();
  if (session) keep("session", "staff", { ...session, token });
}

export async function signOut() {
  try {
    await staff.request("DELETE", "/api/sessions");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  keep("session", "staff", null);
}

/** @param {unknown} error */
export function isSignedOut(error) {
  if (!(error instanceof Problem) || error.code !== "NotSignedIn") return false;
  keep("session", "staff", null);
  return true;
}
