/**
 * The text format of server-sent events (WHATWG HTML, section 9.2.6), read piece by piece.
 * Pure: text in, events out. It must never know what an event means.
 */

/** @typedef {{id: string, event: string, data: string}} ServerEvent */

/**
 * A reader that keeps the unfinished end of one piece for the next.
 * @returns {(piece: string) => ServerEvent[]}
 */
export function eventReader() {
  let rest = "";
  let id = "";
  let event = "";
  /** @type {string[]} */
  let data = [];
  return (piece) => {
    rest += piece;
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    /** @type {ServerEvent[]} */
    const events = [];
    for (const line of lines) {
      if (line === "") {
        if (data.length) events.push({ id, event: event || "message", data: data.join("\n") });
        event = "";
        data = [];
        continue;
      }
      const [field, value] = fieldOf(line);
      if (field === "id") id = value;
      else if (field === "event") event = value;
      else if (field === "data") data.push(value);
    }
    return events;
  };
}

/**
 * @param {string} line
 * @returns {[string, string]} a comment has the empty field
 */
function fieldOf(line) {
  const colon = line.indexOf(":");
  if (colon < 0) return [line, ""];
  return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
}
