import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const WEB = new URL("../../web/", import.meta.url).pathname;
const shells = readdirSync(join(WEB, "pages")).filter((name) => name.endsWith(".html"));
const read = (path) => readFileSync(join(WEB, path), "utf8");
const addresses = (html, pattern) => [...html.matchAll(pattern)].map((match) => match[1].replace("/web/", ""));

/** All modules that a module imports, itself first. */
function graph(path, known = new Set()) {
  if (known.has(path)) return known;
  known.add(path);
  for (const [, name] of read(path).matchAll(/^(?:import|export)[^;]*?["'](\.[^"']+)["'];/gm)) graph(join(dirname(path), name), known);
  return known;
}

for (const shell of shells) {
  const html = read(`pages/${shell}`);

  test(`${shell} fetches all its modules at once`, () => {
    const [entry] = addresses(html, /<script type="module" src="([^"]+)"/g);
    const preloaded = addresses(html, /<link rel="modulepreload" href="([^"]+)"/g);
    assert.deepEqual(preloaded, [...graph(entry)].filter((path) => path !== entry).sort());
  });

  test(`${shell} names files that are there`, () => {
    for (const path of addresses(html, /(?:href|src)="([^"]+)"/g)) assert.ok(read(path).length > 0, path);
  });

  test(`${shell} has no script, style or handler that the policy would refuse`, () => {
    assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  });
}

test("no module writes style attributes or markup as text", () => {
  const folders = ["elements", "pages", "store", "transport", "strings"];
  const modules = folders.flatMap((folder) => readdirSync(join(WEB, folder)).map((name) => `${folder}/${name}`));
  for (const path of modules.filter((name) => name.endsWith(".js"))) {
    assert.doesNotMatch(read(path), /innerHTML|outerHTML|insertAdjacentHTML|eval\(/, path);
    if (path.startsWith("elements/")) assert.doesNotMatch(read(path), /\bstyle:\s*["'`]|"style"/, path);
  }
});

test("every picture of the pavilion is there, and draws without a script", () => {
  for (const name of JSON.parse(read("pictures/names.json"))) {
    const picture = read(`pictures/${name}.svg`);
    assert.match(picture, /viewBox="0 0 400 400"/);
    assert.doesNotMatch(picture, /<script|\son\w+=|href="http/, name);
  }
});
