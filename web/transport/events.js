/**
 * The events of one show, read by fetch so that the token stays in a header; resumed where they
 * broke off. It knows the wire; what the entities mean is store/'s.
 */

import { pause, waitMs } from "./backoff.js";
import { eventReader } from "./sse.js";

// The shop says `: ping` every 15 s; a line silent for longer than two of them is dead.
const SILENCE_LIMIT_MS = 35_000;

/** @typedef {import("../types.js").FeedMessage} FeedMessage */

/**
 * @param {{url: string, token: string | null, tell: (message: FeedMessage) => void}} options
 * @returns {{stop: () => void, nudge: () => void}} `nudge` ends a wait early (the network is back)
 */
export function followEvents({ url, token, tell }) {
  const stopped = new AbortController();
  let waking = new AbortController();
  run();
  return {
    stop: () => stopped.abort(),
    nudge: () => waking.abort(),
  };

  async function run() {
    const position = { id: "" };
    for (let attempt = 0; !stopped.signal.aborted; attempt += 1) {
      tell({ kind: "state", state: attempt ? "lost" : "connecting" });
      const end = await readOnce(url, token, position, stopped.signal, (message) => {
        attempt = 0;
        tell(message);
      });
      if (stopped.signal.aborted) return;
      if (end !== "broken") return tell({ kind: "state", state: end });
      tell({ kind: "state", state: "lost" });
      waking = new AbortController();
      await pause(waitMs(attempt, Math.random()), AbortSignal.any([stopped.signal, waking.signal]));
    }
  }
}

/**
 * One connection from its request to its end. `unknown` and `refused` are final.
 * @param {string} url
 * @param {string | null} token
 * @param {{id: string}} position
 * @param {AbortSignal} stopped
 * @param {(message: FeedMessage) => void} tell
 * @returns {Promise<"broken" | "unknown" | "refused">}
 */
async function readOnce(url, token, position, stopped, tell) {
  const silence = new AbortController();
  let alarm = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
  try {
    const response = await fetch(url, {
      headers: headersFor(token, position.id),
      cache: "no-store",
      signal: AbortSignal.any([stopped, silence.signal]),
    });
    if (response.status === 404) return "unknown";
    if (response.status === 401 || response.status === 403) return "refused";
    if (!response.ok || !response.body) return "broken";
    tell({ kind: "state", state: "live" });
    const read = eventReader();
    const text = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { value, done } = await text.read();
      if (done) return "broken";
      clearTimeout(alarm);
      alarm = setTimeout(() => silence.abort(), SILENCE_LIMIT_MS);
      for (const event of read(value)) {
        tell(messageOf(event, Date.now()));
        if (event.id) position.id = event.id;
      }
    }
  } catch {
    return "broken";
  } finally {
    clearTimeout(alarm);
  }
}

/**
 * @param {string | null} token
 * @param {string} last
 */
function headersFor(token, last) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (last) headers["Last-Event-ID"] = last;
  return headers;
}

/**
 * @param {import("./sse.js").ServerEvent} event
 * @param {number} now Unix ms
 * @returns {FeedMessage}
 */
export function messageOf(event, now) {
  const { entities = {} } = JSON.parse(event.data);
  if (event.event !== "snapshot") return { kind: "patch", entities };
  const at = entities.server_time?.at;
  return { kind: "snapshot", entities, ahead_ms: typeof at === "number" ? at - now : 0 };
}
