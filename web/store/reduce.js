/**
 * Folds a show's public state in the browser. Pure; the same law as commerce/show/view.py:
 * `view(M) + patch = view(N)`. Patches carry absolute values, so folding is assignment.
 */

/** @typedef {import("../types.js").Entities} Entities */

/**
 * The state after a message: a snapshot replaces all, a patch sets what it names, null takes away.
 * @param {Entities} view is not changed
 * @param {{kind: string, entities?: Entities}} message
 * @returns {Entities}
 */
export function reduce(view, { kind, entities = {} }) {
  const next = kind === "snapshot" ? {} : { ...view };
  for (const [key, value] of Object.entries(entities)) {
    if (value === null) delete next[key];
    else next[key] = value;
  }
  return next;
}
