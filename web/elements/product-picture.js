/** A product's picture, 1:1; the parcel stands in where there is none or it does not load. */

import { h } from "./dom.js";

const PARCEL = "/web/pictures/parcel.svg";

/**
 * @param {string | null | undefined} image
 * @param {string} alt empty where the name stands beside it
 */
export function productPicture(image, alt) {
  return h("img", {
    key: image || PARCEL,
    class: "product-picture",
    src: image || PARCEL,
    alt,
    width: 400,
    height: 400,
    loading: "lazy",
    decoding: "async",
    draggable: "false",
    onerror: standIn,
  });
}

/** @param {Event} event */
function standIn(event) {
  const picture = /** @type {HTMLImageElement} */ (event.target);
  if (!picture.src.endsWith(PARCEL)) picture.src = PARCEL;
}
