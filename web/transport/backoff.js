/**
 * How long to wait before the next try. Pure: randomness is an argument.
 * It must never know what is tried.
 */

export const FIRST_WAIT_MS = 250;
export const LONGEST_WAIT_MS = 15_000;

/**
 * Exponential with half of it at random, so that a thousand players of a lost relay do not come
 * back in one millisecond. What the server asked for (Retry-After) is the least.
 * @param {number} attempt 0 for the first repeat
 * @param {number} random 0..1
 * @param {number} [asked_ms] what Retry-After said
 */
export function waitMs(attempt, random, asked_ms = 0) {
  const ceiling = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 16));
  return Math.max(ceiling / 2 + (random * ceiling) / 2, asked_ms + (random * asked_ms) / 4);
}

/**
 * Milliseconds that a Retry-After header asks for: seconds or an HTTP date (RFC 9110 section 10.2.3);
 * 0 when absent or unreadable.
 * @param {string | null} header
 * @param {number} now Unix ms
 */
export function retryAfterMs(header, now) {
  if (!header) return 0;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

/**
 * Waits; ends early, without an error, when the signal is aborted.
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export function pause(ms, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
