/**
 * Countdowns by the shop's clock. Pure: `now` is an argument; a viewer's clock may be hours wrong.
 */

/**
 * Milliseconds that are left of a hold, by the shop's clock; never below 0.
 * @param {number} until Unix ms, the shop's
 * @param {number} now Unix ms, ours
 * @param {number} ahead_ms how far the shop's clock is ahead of ours
 */
export function leftMs(until, now, ahead_ms) {
  return Math.max(0, until - (now + ahead_ms));
}

/**
 * "9:05", "1:02:03": whole seconds, rounded up so that 0:00 is the end and not the last second.
 * @param {number} ms
 */
export function clockText(ms) {
  const seconds = Math.ceil(ms / 1000);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
