/** Says a change aloud to those who listen to the page: one polite region, the newest words win. */

/** @type {HTMLElement | null} */
let region = null;

/** @param {string} words */
export function announce(words) {
  if (!region) {
    region = document.createElement("div");
    region.className = "unseen";
    region.setAttribute("role", "status");
    region.setAttribute("aria-live", "polite");
    document.body.append(region);
  }
  region.textContent = words;
}
