/** Reads ids from the page's own address. */

/**
 * The part after `/prefix/`, decoded; empty when there is none.
 * @param {string} prefix
 * @param {string} [path]
 */
export function idAfter(prefix, path = location.pathname) {
  const [, first, id = ""] = path.split("/");
  return first === prefix ? decodeURIComponent(id) : "";
}
