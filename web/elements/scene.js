/** A landscape for a show that has no picture (yet): the same show has always the same one. */

const SCENES = 4;

/** @param {string} show */
export function sceneOf(show) {
  const number = [...show].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7);
  return `/web/pictures/scene-${(number % SCENES) + 1}.svg`;
}
