/** A swipe up or down with a finger, on a handle. Buttons beside it do the same for everyone else. */

const FAR_ENOUGH_PX = 28;

/**
 * @param {HTMLElement} handle
 * @param {{up: () => void, down: () => void}} ways
 */
export function swipe(handle, { up, down }) {
  /** @type {number | null} */
  let from = null;
  handle.addEventListener("pointerdown", (event) => (from = event.clientY));
  handle.addEventListener("pointermove", (event) => {
    if (from === null) return;
    const way = event.clientY - from;
    if (Math.abs(way) < FAR_ENOUGH_PX) return;
    from = null;
    if (way < 0) up();
    else down();
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) handle.addEventListener(end, () => (from = null));
}
