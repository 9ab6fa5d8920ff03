/**
 * What a page measured about itself, to be read (never written) as `window.silkcast` by tests and by
 * the curious. Times are performance.now() of the page unless they end in `_ms`.
 */

const MOST_ENTRIES = 200;

/**
 * @typedef {{offer: string | null, pts_90khz: number | null, received_at: number, shown_at: number, how: string}} PinShown
 * @typedef {{id: string, state: string, received_at: number}} OrderSeen
 */

const measured = {
  phase: "idle",
  seats: 0,
  /** @type {number | null} from asking for a seat to the first frame on screen */
  first_frame_ms: null,
  /** @type {number | null} the moment of the first frame */
  first_frame_at: null,
  frames_decoded: 0,
  frames_shown: 0,
  /** @type {number | null} RTP timestamp of the frame on screen */
  frame_pts: null,
  audio_energy: 0,
  /** @type {PinShown[]} */
  pins: [],
  /** @type {OrderSeen[]} */
  orders: [],
};

/** @param {Partial<typeof measured>} changes */
export function measure(changes) {
  Object.assign(measured, changes);
}

/** @param {PinShown} pin */
export function pinShown(pin) {
  measured.pins = [...measured.pins, pin].slice(-MOST_ENTRIES);
}

/**
 * Notes each order, or state of an order, that was not there before.
 * @param {Record<string, any>} before
 * @param {Record<string, any>} after
 */
export function noteOrders(before, after) {
  const received_at = performance.now();
  for (const [key, order] of Object.entries(after)) {
    if (!key.startsWith("order:") || before[key]?.state === order.state) continue;
    measured.orders = [...measured.orders, { id: order.id, state: order.state, received_at }].slice(-MOST_ENTRIES);
  }
}

/** Makes the figures readable as `window.silkcast`. */
export function publishStats() {
  const view = {};
  for (const name of Object.keys(measured)) {
    const get = () => structuredClone(/** @type {any} */ (measured)[name]);
    Object.defineProperty(view, name, { get, enumerable: true });
  }
  Object.defineProperty(globalThis, "silkcast", { value: Object.freeze(view) });
}
