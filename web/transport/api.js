/**
 * The shop over HTTP (docs/http-api.md): JSON in, JSON or a Problem out, commands with a key.
 * It must never know what a request means.
 */

import { pause, retryAfterMs, waitMs } from "./backoff.js";

const ANSWER_LIMIT_MS = 12_000;
const REPEATS_OF_A_COMMAND = 4;
// Nobody decided: the same key may be sent again and gets the one answer there will ever be.
const UNDECIDED = new Set(["Offline", "Busy", "NoAnswer"]);

/** An answer that says no (RFC 9457). `code` is what a page acts upon; `Offline` when none came. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {number} status
   * @param {string} detail
   * @param {Record<string, any>} fields
   * @param {number} retry_after_ms
   */
  constructor(code, status, detail = "", fields = {}, retry_after_ms = 0) {
    super(`${code}${detail ? `: ${detail}` : ""}`);
    this.code = code;
    this.status = status;
    this.detail = detail;
    this.fields = fields;
    this.retry_after_ms = retry_after_ms;
  }
}

/** 32 hex digits; `crypto.randomUUID` is missing where a shop is tried over plain http. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @typedef {{body?: any, key?: string, signal?: AbortSignal, keepalive?: boolean, file?: boolean, limit_ms?: number}} Options */

/**
 * Who asks: the token to send, and what to do when the shop does not know it (any more).
 * @typedef {{token: () => Promise<string | null>, forgotten?: () => void}} Asker
 */

export class Api {
  /** @param {Asker} asker */
  constructor(asker) {
    this.asker = asker;
  }

  /**
   * @param {string} path
   * @param {AbortSignal} [signal]
   */
  get(path, signal) {
    return this.request("GET", path, { signal });
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Options} [options]
   * @returns {Promise<any>} the JSON of a 2xx answer, null when it has none; a Blob where a file was asked for
   */
  async request(method, path, options = {}) {
    const token = await this.asker.token();
    const problem = await attempt(method, path, token, options);
    if (!(problem instanceof Problem)) return problem.value;
    if (problem.code !== "NotSignedIn" || !this.asker.forgotten) throw problem;
    this.asker.forgotten();
    const again = await attempt(method, path, await this.asker.token(), options);
    if (again instanceof Problem) throw again;
    return again.value;
  }

  /**
   * A command: repeated with the same key until somebody decided, or the patience ends.
   * @param {string} path
   * @param {any} body
   * @param {string} [key]
   * @param {"POST" | "PUT"} [method]
   */
  async command(path, body = {}, key = newKey(), method = "POST") {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.request(method, path, { body, key });
      } catch (error) {
        if (!(error instanceof Problem) || !UNDECIDED.has(error.code) || attempt >= REPEATS_OF_A_COMMAND) throw error;
        await pause(waitMs(attempt, Math.random(), error.retry_after_ms));
      }
    }
  }
}

/**
 * @param {string} method
 * @param {string} path
 * @param {string | null} token
 * @param {Options} options
 * @returns {Promise<{value: any} | Problem>}
 */
async function attempt(method, path, token, { body, key, signal, keepalive, file, limit_ms }) {
  /** @type {Record<string, string>} */
  const headers = { Accept: file ? "*/*" : "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (key) headers["Idempotency-Key"] = key;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const limit = AbortSignal.timeout(limit_ms ?? ANSWER_LIMIT_MS);
  try {
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
      cache: "no-store",
      keepalive,
    });
    return response.ok ? { value: file ? await response.blob() : await valueOf(response) } : await problemOf(response);
  } catch (error) {
    if (signal?.aborted) throw error;
    return new Problem("Offline", 0, error instanceof Error ? error.message : "");
  }
}

/** @param {Response} response */
async function valueOf(response) {
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** @param {Response} response */
async function problemOf(response) {
  const wait = retryAfterMs(response.headers.get("Retry-After"), Date.now());
  try {
    const fields = await response.json();
    return new Problem(String(fields.code ?? byStatus(response.status)), response.status, String(fields.detail ?? ""), fields, wait);
  } catch {
    return new Problem(byStatus(response.status), response.status, "", {}, wait);
  }
}

/**
 * What a proxy in between means when it answers without a problem document.
 * @param {number} status
 */
function byStatus(status) {
  if (status === 401) return "NotSignedIn";
  if (status === 429) return "RateLimited";
  if (status === 504) return "NoAnswer";
  return status >= 500 ? "Busy" : "Malformed";
}
