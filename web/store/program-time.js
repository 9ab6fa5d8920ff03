/**
 * When a pin belongs on the screen. Pure arithmetic on RTP timestamps (90 kHz, mod 2^32).
 *
 * The relay stamps every viewer's video with program time, and a pin carries the program time at
 * which the host pressed the key; so the card can appear on the very frame that the host saw.
 */

export const TICKS_PER_MS = 90;
// A viewer never waits longer for a card, whatever the clocks say.
export const LONGEST_WAIT_MS = 500;
// Farther away than this and the two stamps do not belong to one timeline.
const SAME_TIMELINE_MS = 10_000;

/**
 * Ticks from the frame on screen to the pin: positive while the pin's frame is yet to come.
 * The difference is taken mod 2^32 and read as signed (RFC 3550 appendix A.1 does the same).
 * @param {number} pin_pts
 * @param {number} frame_pts
 */
export function ticksAhead(pin_pts, frame_pts) {
  return (pin_pts - frame_pts) | 0;
}

/**
 * What to do with a pin now: `at_once` (no time to compare with, or one so far off that it is no time
 * of this picture), `on_frame` (its frame is here), `at_limit` (waited long enough), or `wait`.
 * @param {number | null} pin_pts
 * @param {number | null} frame_pts of the frame on screen, null where the browser does not tell
 * @param {number} waited_ms
 * @returns {"at_once" | "on_frame" | "at_limit" | "wait"}
 */
export function whenToShow(pin_pts, frame_pts, waited_ms) {
  if (pin_pts === null || frame_pts === null) return "at_once";
  const ahead = ticksAhead(pin_pts, frame_pts);
  if (ahead <= 0) return "on_frame";
  if (waited_ms >= LONGEST_WAIT_MS) return "at_limit";
  return ahead > SAME_TIMELINE_MS * TICKS_PER_MS ? "at_once" : "wait";
}
