/**
 * The SharedWorker: one connection for each show and token, handed to every tab that asks. A tab that
 * comes later gets the state as folded so far.
 */

import { reduce } from "../store/reduce.js";
import { followEvents } from "./events.js";

/** @typedef {import("../types.js").FeedMessage} FeedMessage */

/** @type {Map<string, ReturnType<typeof openLine>>} */
const lines = new Map();

/**
 * @param {string} url
 * @param {string | null} token
 */
function openLine(url, token) {
  /** @type {Set<MessagePort>} */
  const ports = new Set();
  /** @type {{entities: import("../types.js").Entities | null, ahead_ms: number, state: FeedMessage["state"]}} */
  const known = { entities: null, ahead_ms: 0, state: "connecting" };
  const feed = followEvents({
    url,
    token,
    tell(message) {
      if (message.kind === "state") known.state = message.state;
      else known.entities = reduce(known.entities ?? {}, message);
      if (message.kind === "snapshot") known.ahead_ms = message.ahead_ms ?? 0;
      for (const port of ports) port.postMessage(message);
    },
  });
  return { ports, known, feed };
}

/**
 * @param {MessagePort} port
 * @param {{url: string, token: string | null, lock: string | null}} wish
 */
function join(port, { url, token, lock }) {
  const name = `${url} ${token ?? ""}`;
  let line = lines.get(name);
  if (!line || line.known.state === "unknown" || line.known.state === "refused") {
    line = openLine(url, token);
    lines.set(name, line);
  }
  line.ports.add(port);
  port.postMessage({ kind: "state", state: line.known.state });
  if (line.known.entities) {
    port.postMessage({ kind: "snapshot", entities: line.known.entities, ahead_ms: line.known.ahead_ms });
  }
  if (lock) navigator.locks?.request(lock, async () => leave(port));
}

/** @param {MessagePort} port */
function leave(port) {
  for (const [name, line] of lines) {
    if (line.ports.delete(port) && line.ports.size === 0) {
      line.feed.stop();
      lines.delete(name);
    }
  }
}

globalThis.addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  port.addEventListener("message", ({ data }) => {
    if (data.join) join(port, data.join);
    if (data.leave) leave(port);
    if (data.nudge) for (const line of lines.values()) line.feed.nudge();
  });
  port.start();
});
