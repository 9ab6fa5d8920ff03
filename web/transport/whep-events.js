/**
 * The stream of events beside a WHEP session (events extension of the draft). Of all it may tell, a player
 * needs one word: `reconnect`, the relay goes away; open another session before this one ends.
 * It must never know a show or a seat.
 */

export const RECONNECT = "reconnect";
const EXTENSION = "urn:ietf:params:whep:ext:core:server-sent-events";
// HTTP/1.1 allows six connections to a host, and a stream holds one: further tabs of a browser listen
// to nothing, and take another seat when their session ends.
const TABS_MAX = 3;

/**
 * Where a stream is opened, by the Link header of the 201; "" where there is none.
 * @param {string | null} link
 * @param {string} base the URL that answered
 */
export function eventsOf(link, base) {
  for (const [, url, rest] of (link ?? "").matchAll(/<([^>]*)>([^<]*)/g)) {
    if (rest.includes(`rel="${EXTENSION}"`)) return new URL(url, base).href;
  }
  return "";
}

/**
 * Resolves when the relay asks to reconnect; never where it cannot be heard.
 * @param {string} events
 * @param {string} token
 * @param {AbortSignal} signal the end of the session
 * @returns {Promise<typeof RECONNECT>}
 */
export function toldToReconnect(events, token, signal) {
  return new Promise((resolve) => {
    if (!events) return;
    const told = () => resolve(RECONNECT);
    withPlace(() => listen(events, token, signal, told)).catch(() => {
      // Not to be told is no loss of the picture: the session's end says the same, later.
    });
  });
}

/**
 * @param {() => Promise<void>} work
 */
async function withPlace(work) {
  if (!navigator.locks) return work();
  for (let place = 0; place < TABS_MAX; place += 1) {
    const had = await navigator.locks.request(`relay-events-${place}`, { ifAvailable: true }, async (lock) => {
      if (lock) await work();
      return Boolean(lock);
    });
    if (had) return;
  }
}

/**
 * @param {string} events
 * @param {string} token
 * @param {AbortSignal} signal
 * @param {() => void} told
 */
async function listen(events, token, signal, told) {
  const opened = await fetch(events, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: JSON.stringify([RECONNECT]),
    signal,
  });
  const location = opened.headers.get("Location");
  if (opened.status !== 201 || !location || signal.aborted) return;
  // The address of the stream is the right to read it. EventSource comes back by itself after a break.
  const source = new EventSource(new URL(location, events).href);
  await /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      source.addEventListener(RECONNECT, () => {
        told();
        resolve();
      });
    })
  );
  source.close();
}
