/** A file of the shop, kept by the browser. The token goes into a header, so a plain link would not do. */

/** Papers are set one after the other: the last of a row waits. */
const PATIENCE_MS = 60_000;

/**
 * Throws Problem.
 * @param {import("./api.js").Api} api
 * @param {string} path
 * @param {string} name
 */
export async function saveFile(api, path, name) {
  const file = await api.request("GET", path, { file: true, limit_ms: PATIENCE_MS });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), PATIENCE_MS);
}
