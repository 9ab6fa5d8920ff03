/** The law of the reducer, on the same golden logs as commerce/show/view.py. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { reduce } from "../../web/store/reduce.js";

const FOLDER = new URL("../commerce/show/golden/", import.meta.url);
const logs = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
const patch = (entities) => ({ kind: "patch", entities });
const snapshot = (entities) => ({ kind: "snapshot", entities });

for (const log of logs) {
  const { eyes } = JSON.parse(readFileSync(new URL(log, FOLDER), "utf8"));
  for (const [eye, { views, patches }] of Object.entries(eyes)) {
    test(`${log}, ${eye}: view(M) + every patch up to N = view(N), from every M`, () => {
      for (let begin = 0; begin < views.length; begin += 1) {
        let view = reduce({}, snapshot(views[begin]));
        for (let version = begin; version < patches.length; version += 1) {
          view = reduce(view, patch(patches[version] ?? {}));
          assert.deepEqual(view, views[version + 1], `${begin} to ${version + 1}`);
        }
      }
    });

    test(`${log}, ${eye}: a resume that tells patches twice or all at once ends in the same view`, () => {
      for (let begin = 0; begin < views.length; begin += 1) {
        const missed = Object.assign({}, ...patches.slice(begin));
        const once = reduce(reduce({}, snapshot(views[begin])), patch(missed));
        assert.deepEqual(once, views.at(-1), `resumed after ${begin}`);
        assert.deepEqual(reduce(once, patch(missed)), once);
      }
    });
  }
}

test("there are golden logs to hold the law to", () => assert.ok(logs.length > 0));
