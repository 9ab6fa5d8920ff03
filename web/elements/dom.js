/**
 * Nodes from plain descriptions, changed in place: what a description says again stays as it is, so
 * that focus, typed text and playing pictures survive every update. Keys keep list items theirs.
 */

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "path", "circle", "rect", "g", "line", "polyline", "ellipse"]);

/**
 * @typedef {{tag: string, key?: string | number, props: Record<string, any>, children: (Description | string)[]}} Description
 * @typedef {Description | string | number | null | undefined | false | Child[]} Child
 */

/** @type {WeakMap<Node, {props: Record<string, any>, key?: string | number}>} */
const described = new WeakMap();

/**
 * A description. Props: `class`, attributes, `on…` handlers, `.name` for properties, `key`, and
 * `ref` called with the node when it is made.
 * @param {string} tag
 * @param {Record<string, any> | null} [props]
 * @param {...Child} children
 * @returns {Description}
 */
export function h(tag, props, ...children) {
  const { key, ...rest } = props ?? {};
  return { tag, key, props: rest, children: flat(children) };
}

/**
 * @param {Child[]} children
 * @returns {(Description | string)[]}
 */
function flat(children) {
  /** @type {(Description | string)[]} */
  const out = [];
  for (const child of children) {
    if (Array.isArray(child)) out.push(...flat(child));
    else if (typeof child === "number") out.push(String(child));
    else if (child) out.push(child);
  }
  return out;
}

/**
 * Makes the children of `parent` what the descriptions say.
 * @param {Element} parent
 * @param {...Child} children
 */
export function render(parent, ...children) {
  fill(parent, flat(children));
}

/**
 * @param {Element} parent
 * @param {(Description | string)[]} wanted
 */
function fill(parent, wanted) {
  const keyed = keyedOf(parent, wanted);
  /** @type {ChildNode | null} */
  let here = parent.firstChild;
  for (const child of wanted) {
    const kept = match(child, here, keyed);
    if (kept) {
      here = pastUnkeyed(here, kept);
      if (kept === here) here = here?.nextSibling ?? null;
      else parent.insertBefore(kept, here);
      update(kept, child);
    } else {
      parent.insertBefore(create(child), here);
    }
  }
  while (here) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
}

/**
 * The children by their keys; those whose key is not wanted any more go first. What stays is then where
 * it was: an open dialog that is moved closes its layer, a picture that is moved starts again.
 * @param {Element} parent
 * @param {(Description | string)[]} wanted
 */
function keyedOf(parent, wanted) {
  const keys = new Set(wanted.map((child) => (typeof child === "string" ? undefined : child.key)));
  /** @type {Map<string | number, ChildNode>} */
  const keyed = new Map();
  for (const node of [...parent.childNodes]) {
    const key = described.get(node)?.key;
    if (key === undefined) continue;
    if (keys.has(key)) keyed.set(key, node);
    else node.remove();
  }
  return keyed;
}

/**
 * Takes away what has no key and stands before a node that stays, for the same reason.
 * @param {ChildNode | null} here
 * @param {ChildNode} kept
 * @returns {ChildNode | null} what stands there now
 */
function pastUnkeyed(here, kept) {
  while (here && here !== kept && described.get(here)?.key === undefined) {
    const next = here.nextSibling;
    here.remove();
    here = next;
  }
  return here;
}

/**
 * The existing node that a description means, if there is one.
 * @param {Description | string} child
 * @param {ChildNode | null} here
 * @param {Map<string | number, ChildNode>} keyed
 * @returns {ChildNode | null}
 */
function match(child, here, keyed) {
  if (typeof child === "string") return here instanceof Text ? here : null;
  if (child.key !== undefined) {
    const node = keyed.get(child.key);
    keyed.delete(child.key);
    return node && node.nodeName.toLowerCase() === child.tag ? node : null;
  }
  const known = here && described.get(here);
  return known && known.key === undefined && here.nodeName.toLowerCase() === child.tag ? here : null;
}

/**
 * @param {Description | string} child
 * @returns {ChildNode}
 */
function create(child) {
  if (typeof child === "string") return document.createTextNode(child);
  const node = SVG_TAGS.has(child.tag) ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
  described.set(node, { props: {}, key: child.key });
  update(node, child);
  child.props.ref?.(node);
  return node;
}

/**
 * @param {ChildNode} node
 * @param {Description | string} child
 */
function update(node, child) {
  if (typeof child === "string") {
    if (node.textContent !== child) node.textContent = child;
    return;
  }
  const element = /** @type {Element} */ (node);
  const before = described.get(node)?.props ?? {};
  described.set(node, { props: child.props, key: child.key });
  for (const name of Object.keys(before)) if (!(name in child.props)) assign(element, name, undefined, before[name]);
  const props = Object.entries(child.props);
  for (const [name, value] of props) if (name[0] !== ".") assign(element, name, value, before[name]);
  // An element that draws its own inside is described without children and keeps them.
  if (child.children.length || !node.nodeName.includes("-")) fill(element, child.children);
  // Properties last: the value of a select needs its options.
  for (const [name, value] of props) if (name[0] === ".") assign(element, name, value, before[name]);
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {any} value
 * @param {any} before
 */
function assign(element, name, value, before) {
  if (name === "ref") return;
  if (name.startsWith(".")) {
    const property = name.slice(1);
    const target = /** @type {any} */ (element);
    if (target[property] !== value) target[property] = value;
  } else if (name.startsWith("on")) {
    if (value === before) return;
    if (before) element.removeEventListener(name.slice(2), before);
    if (value) element.addEventListener(name.slice(2), value);
  } else if (value === before) {
    return;
  } else if (value === false || value === null || value === undefined) {
    element.removeAttribute(name);
  } else {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}
