/**
 * One WHEP session: offer out, answer in, media from then on (draft-ietf-wish-whep).
 * It knows a URL and a bearer token; it must never know a show, a seat or a card.
 *
 * The offer leaves before any candidate is gathered: the relay is ICE-lite and learns our address
 * from our checks, and a `*.local` candidate would only cost it a resolver's timeout.
 */

import { pause, retryAfterMs, waitMs } from "./backoff.js";
import { eventsOf, toldToReconnect } from "./whep-events.js";

const ANSWER_LIMIT_MS = 8_000;
const CONNECT_LIMIT_MS = 8_000;
// A path may falter for a moment; longer than this and another seat is quicker than waiting.
const DISCONNECTED_LIMIT_MS = 1_500;
const REPEATS_OF_A_BUSY_RELAY = 3;
const FIRST_PICTURE_LIMIT_MS = 4_000;
const REPEATABLE = new Set([409, 503]);

/** The relay said no. `status` 0 means that it could not be reached. */
export class WhepRefused extends Error {
  /**
   * @param {number} status
   * @param {string} detail
   * @param {number} retry_after_ms
   */
  constructor(status, detail, retry_after_ms = 0) {
    super(`whep ${status}: ${detail}`);
    this.status = status;
    this.retry_after_ms = retry_after_ms;
  }
}

/**
 * A playing session. `lost` resolves, once, with the reason why no more media will come.
 * @typedef {object} WhepSession
 * @property {MediaStream} stream video and audio; tracks are there at once, pictures when they come
 * @property {RTCPeerConnection} peer
 * @property {number} started_at performance.now() when the offer was begun
 * @property {Promise<string>} lost `failed`, `disconnected` or `left`
 * @property {Promise<string>} reconnect `reconnect`, when the relay asks for another session elsewhere
 * @property {() => void} leave closes, and tells the relay by DELETE
 * @property {() => void} ending called just before the peer closes, while its last frame is still shown
 */

/**
 * An offer made before one knows where it goes: keys and SDP take tens of milliseconds, which may run
 * beside the request for a seat.
 * @typedef {{peer: RTCPeerConnection, stream: MediaStream, started_at: number, offer: Promise<string>}} Prepared
 */

/**
 * @param {RTCIceServer[]} [ice]
 * @returns {Prepared}
 */
export function prepareWhep(ice = []) {
  const started_at = performance.now();
  const peer = new RTCPeerConnection({ iceServers: ice, bundlePolicy: "max-bundle" });
  const stream = new MediaStream();
  for (const kind of ["video", "audio"]) {
    stream.addTrack(peer.addTransceiver(kind, { direction: "recvonly" }).receiver.track);
  }
  const offer = peer.setLocalDescription().then(() => withoutHiddenCandidates(peer.localDescription?.sdp ?? ""));
  // Whoever awaits the offer hears of its failure; until then it is nobody's.
  offer.catch(() => {});
  return { peer, stream, started_at, offer };
}

/**
 * Opens a session. Repeats by itself while the relay is busy or not yet on air (409, 503), as often
 * as REPEATS_OF_A_BUSY_RELAY. Throws WhepRefused. `prepared` serves the first try, where no ICE server
 * is given.
 * @param {string} url
 * @param {string} token
 * @param {{ice?: RTCIceServer[], signal?: AbortSignal, repeats?: number, prepared?: Prepared}} [options]
 * @returns {Promise<WhepSession>}
 */
export async function openWhep(url, token, { ice = [], signal, repeats = REPEATS_OF_A_BUSY_RELAY, prepared } = {}) {
  if (prepared && ice.length) prepared.peer.close();
  let ready = ice.length ? undefined : prepared;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await openOnce(url, token, ready ?? prepareWhep(ice), signal);
    } catch (error) {
      ready = undefined;
      const refused = asRefused(error);
      if (!REPEATABLE.has(refused.status) || attempt >= repeats || signal?.aborted) throw refused;
      await pause(waitMs(attempt, Math.random(), refused.retry_after_ms), signal);
    }
  }
}

/**
 * @param {string} url
 * @param {string} token
 * @param {Prepared} prepared
 * @param {AbortSignal | undefined} signal
 * @returns {Promise<WhepSession>}
 */
async function openOnce(url, token, { peer, stream, started_at, offer }, signal) {
  /** @type {Awaited<ReturnType<typeof exchange>> | undefined} */
  let answer;
  try {
    answer = await exchange(url, token, await offer, signal);
    await peer.setRemoteDescription({ type: "answer", sdp: answer.sdp });
  } catch (error) {
    peer.close();
    if (answer?.resource) remove(answer.resource, token);
    throw error;
  }
  return session(peer, stream, answer, token, started_at);
}

/**
 * @param {RTCPeerConnection} peer
 * @param {MediaStream} stream
 * @param {{resource: string, events: string}} answer
 * @param {string} token
 * @param {number} started_at
 * @returns {WhepSession}
 */
function session(peer, stream, { resource, events }, token, started_at) {
  /** @type {(reason: string) => void} */
  let end = () => {};
  const lost = /** @type {Promise<string>} */ (new Promise((resolve) => (end = resolve)));
  let patience = setTimeout(() => finish("failed"), CONNECT_LIMIT_MS);
  peer.addEventListener("connectionstatechange", () => {
    clearTimeout(patience);
    if (peer.connectionState === "failed" || peer.connectionState === "closed") finish("failed");
    if (peer.connectionState === "disconnected") {
      patience = setTimeout(() => finish("disconnected"), DISCONNECTED_LIMIT_MS);
    }
    if (peer.connectionState === "connecting") {
      patience = setTimeout(() => finish("failed"), CONNECT_LIMIT_MS);
    }
  });
  let finished = false;
  /** @param {string} reason */
  function finish(reason) {
    if (finished) return;
    finished = true;
    clearTimeout(patience);
    ended.abort();
    made.ending();
    peer.close();
    if (resource) remove(resource, token);
    end(reason);
  }
  const ended = new AbortController();
  const reconnect = isConnected(peer).then(() => toldToReconnect(events, token, ended.signal));
  /** @type {WhepSession} */
  const made = { stream, peer, started_at, lost, reconnect, leave: () => finish("left"), ending: () => {} };
  return made;
}

/**
 * The picture comes first, and what else we ask of the relay after it.
 * @param {RTCPeerConnection} peer
 * @returns {Promise<void>}
 */
function isConnected(peer) {
  return new Promise((resolve) => {
    const look = () => peer.connectionState === "connected" && resolve();
    peer.addEventListener("connectionstatechange", look);
    look();
  });
}

/**
 * POST the offer. The Location is resolved against the URL that answered.
 * @param {string} url
 * @param {string} token
 * @param {string} offer
 * @param {AbortSignal | undefined} signal
 */
async function exchange(url, token, offer, signal) {
  const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/sdp", Accept: "application/sdp", Authorization: `Bearer ${token}` },
    body: offer,
    signal: signal ? AbortSignal.any([signal, limit]) : limit,
  });
  const text = await response.text();
  if (response.status !== 201) {
    throw new WhepRefused(response.status, text.slice(0, 200), retryAfterMs(response.headers.get("Retry-After"), Date.now()));
  }
  const location = response.headers.get("Location");
  const base = response.url || url;
  const events = eventsOf(response.headers.get("Link"), base);
  return { sdp: text, resource: location ? new URL(location, base).href : "", events };
}

/**
 * Tell the relay that we left; it must also reach it while the page is going away.
 * @param {string} resource
 * @param {string} token
 */
function remove(resource, token) {
  fetch(resource, { method: "DELETE", headers: { Authorization: `Bearer ${token}` }, keepalive: true }).catch(() => {
    // The relay's consent timer ends the session just as well.
  });
}

/** @param {string} sdp */
export function withoutHiddenCandidates(sdp) {
  return sdp.replace(/^a=candidate:[^\r\n]*\.local [^\r\n]*\r?\n/gm, "");
}

/** @param {unknown} error */
function asRefused(error) {
  if (error instanceof WhepRefused) return error;
  return new WhepRefused(0, error instanceof Error ? error.message : String(error));
}

/**
 * Resolves at the first frame that the element presents, with performance.now() of that moment.
 * Where requestVideoFrameCallback is missing, `loadeddata` is the nearest thing.
 * @param {HTMLVideoElement} video
 * @returns {Promise<number>}
 */
export function firstFrame(video) {
  return new Promise((resolve) => {
    if ("requestVideoFrameCallback" in video) {
      video.requestVideoFrameCallback((now, frame) => resolve(frame.presentationTime ?? now));
    } else {
      /** @type {any} */ (video).addEventListener("loadeddata", () => resolve(performance.now()), { once: true });
    }
  });
}

/**
 * Whether a session brings a picture: its first frame was decoded out of sight. A hidden page presents
 * nothing; there the time that it would have taken must do.
 * @param {WhepSession} session
 * @returns {Promise<boolean>}
 */
export async function bringsPicture(session) {
  const unseen = document.createElement("video");
  unseen.muted = true;
  unseen.srcObject = new MediaStream(session.stream.getVideoTracks());
  unseen.play().catch(() => {});
  const over = new AbortController();
  const came = await Promise.race([
    firstFrame(unseen).then(() => true),
    session.lost.then(() => false),
    pause(FIRST_PICTURE_LIMIT_MS, over.signal).then(() => document.hidden && session.peer.connectionState === "connected"),
  ]);
  over.abort();
  unseen.srcObject = null;
  return came;
}
