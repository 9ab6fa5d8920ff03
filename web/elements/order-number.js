/** An order's id as people read it out: `or-4hd98hwmc3081pdv.sh-…` is "4HD9 8HWM C308 1PDV". */

/** @param {string} id */
export function orderNumber(id) {
  const own = id.split(".")[0].replace(/^or-/, "").toUpperCase();
  return own.replace(/(.{4})(?=.)/g, "$1 ");
}
