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
    const text = memory.get(name) ?? storage(where)?.getItem(`silkcast.${name}`) ?? null;
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * Hears what another tab of this browser keeps in `local` under the name.
 * @param {string} name
 * @param {(value: any) => void} told null when it was taken away
 * @returns {() => void} stops listening
 */
export function onKept(name, told) {
  const heard = (/** @type {StorageEvent} */ event) => event.key === `silkcast.${name}` && told(kept("local", name));
  addEventListener("storage", heard);
  return () => removeEventListener("storage", heard);
}

/**
 * @param {"local" | "session"} where
 * @param {string} name
 * @param {any} value null takes it away
 */
export function keep(where, name, value) {
  memory.delete(name);
  try {
    const store = storage(where);
    if (value === null) store?.removeItem(`silkcast.${name}`);
    else if (store) store.setItem(`silkcast.${name}`, JSON.stringify(value));
    else memory.set(name, JSON.stringify(value));
  } catch {
    // Full or refused: memory has it as long as the page lives.
    memory.set(name, JSON.stringify(value));
  }
}
