/**
 * One connection per browser: where there is a SharedWorker, all tabs that follow the same show share
 * the one it holds (HTTP/1.1 gives an origin six); where there is none, the page has its own.
 */

import { followEvents } from "./events.js";

/** @typedef {import("../types.js").FeedMessage} FeedMessage */
/** @typedef {{stop: () => void}} Feed */

/**
 * @param {{show: string, token: string | null, as?: "host", tell: (message: FeedMessage) => void}} options
 * @returns {Feed}
 */
export function followShow({ show, token, as, tell }) {
  const url = `/api/shows/${encodeURIComponent(show)}/events${as ? `?as=${as}` : ""}`;
  const shared = openShared();
  return shared ? followShared(shared, url, token, tell) : followAlone(url, token, tell);
}

/** @returns {SharedWorker | null} */
function openShared() {
  if (!("SharedWorker" in globalThis)) return null;
  try {
    return new SharedWorker(new URL("./shared.js", import.meta.url), { type: "module", name: "silkcast-events" });
  } catch {
    return null;
  }
}

/**
 * @param {string} url
 * @param {string | null} token
 * @param {(message: FeedMessage) => void} tell
 * @returns {Feed}
 */
function followAlone(url, token, tell) {
  const feed = followEvents({ url, token, tell });
  const nudge = () => feed.nudge();
  addEventListener("online", nudge);
  return {
    stop() {
      removeEventListener("online", nudge);
      feed.stop();
    },
  };
}

/**
 * The worker learns that this page is gone by `leave`, or, should the page die without a word, by
 * getting the lock that the page holds as long as it lives. The page joins when it has the lock and not
 * before: a worker that already runs would get it first, and take the page for gone.
 * @param {SharedWorker} worker
 * @param {string} url
 * @param {string | null} token
 * @param {(message: FeedMessage) => void} tell
 * @returns {Feed}
 */
function followShared(worker, url, token, tell) {
  const { port } = worker;
  /** @type {Feed | null} */
  let instead = null;
  let answered = false;
  let stopped = false;
  const lock = navigator.locks ? `silkcast.tab.${Math.random().toString(36).slice(2)}` : null;
  let release = () => {};
  const life = /** @type {Promise<void>} */ (new Promise((resolve) => (release = resolve)));
  port.addEventListener("message", ({ data }) => {
    answered = true;
    tell(data);
  });
  port.start();
  const join = () => stopped || instead || port.postMessage({ join: { url, token, lock } });
  const leave = () => port.postMessage({ leave: true });
  const nudge = () => port.postMessage({ nudge: true });
  // A worker whose script did not load never says so everywhere: after a second the page goes alone.
  worker.addEventListener("error", goAlone);
  const patience = setTimeout(() => answered || goAlone(), 1_000);
  function goAlone() {
    if (answered || instead) return;
    leave();
    instead = followAlone(url, token, tell);
  }
  /** @param {PageTransitionEvent} event */
  const returned = (event) => event.persisted && join();
  addEventListener("pagehide", leave);
  addEventListener("pageshow", returned);
  addEventListener("online", nudge);
  if (lock) navigator.locks.request(lock, () => (join(), life)).catch(goAlone);
  else join();
  return {
    stop() {
      stopped = true;
      clearTimeout(patience);
      removeEventListener("pagehide", leave);
      removeEventListener("pageshow", returned);
      removeEventListener("online", nudge);
      leave();
      release();
      instead?.stop();
    },
  };
}
