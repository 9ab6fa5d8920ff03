/**
 * What a browser keeps for us: small JSON values in its storage. A browser that refuses storage
 * (private windows, blocked by its owner) keeps them until the page goes.
 */

/** @type {Map<string, string>} */
const memory = new Map();

/**
 * @param {"local" | "session"} where
 * @returns {Storage | null}
 */
function storage(where) {
  try {
    return where === "local" ? globalThis.localStorage : globalThis.sessionStorage;
  } catch {
    return null;
  }
}

/**
 * @param {"local" | "session"} where
 * @param {string} name
 * @returns {any} the value kept, or null
 */
export function kept(where, name) {
  try {
    const text = storage(where)?.getItem(`silkcast.${name}`) ?? memory.get(name) ?? null;
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * @param {"local" | "session"} where
 * @param {string} name
 * @param {any} value null takes it away
 */
export function keep(where, name, value) {
  const text = JSON.stringify(value);
  if (value === null) memory.delete(name);
  else memory.set(name, text);
  try {
    if (value === null) storage(where)?.removeItem(`silkcast.${name}`);
    else storage(where)?.setItem(`silkcast.${name}`, text);
  } catch {
    // Full or refused: the memory above has it as long as the page lives.
  }
}
