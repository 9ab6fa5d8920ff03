import assert from "node:assert/strict";
import { test } from "node:test";

import { clockText, leftMs } from "../../web/store/clock.js";
import { LONGEST_WAIT_MS, ticksAhead, whenToShow } from "../../web/store/program-time.js";
import { reduce } from "../../web/store/reduce.js";

const snapshot = (entities) => ({ kind: "snapshot", entities });
const patch = (entities) => ({ kind: "patch", entities });

test("a patch sets what it names and leaves the rest", () => {
  const view = reduce({}, snapshot({ show: { id: "s" }, audience: { viewers: 1 } }));
  const next = reduce(view, patch({ audience: { viewers: 7 } }));
  assert.deepEqual(next, { show: { id: "s" }, audience: { viewers: 7 } });
  assert.deepEqual(view.audience, { viewers: 1 });
});

test("null takes an entity away, and a pin is unpinned by it", () => {
  const view = reduce({}, snapshot({ pin: { offer: "o" }, "offer:o": { id: "o" } }));
  assert.deepEqual(reduce(view, patch({ pin: null })), { "offer:o": { id: "o" } });
});

test("a snapshot forgets what was there before", () => {
  assert.deepEqual(reduce({ old: 1 }, snapshot({ fresh: 2 })), { fresh: 2 });
});

test("a patch told twice changes nothing the second time", () => {
  const change = patch({ "offer:o": { available: 3 }, pin: null });
  const once = reduce({ pin: { offer: "o" } }, change);
  assert.deepEqual(reduce(once, change), once);
});

test("a hold is counted by the shop's clock though ours is an hour wrong", () => {
  const [shopNow, ourNow] = [10_000_000, 10_000_000 - 3_600_000];
  assert.equal(leftMs(shopNow + 90_000, ourNow, shopNow - ourNow), 90_000);
  assert.equal(leftMs(shopNow - 1, ourNow, shopNow - ourNow), 0);
});

test("a countdown shows 0:00 only at the end", () => {
  assert.equal(clockText(600_000), "10:00");
  assert.equal(clockText(1), "0:01");
  assert.equal(clockText(0), "0:00");
  assert.equal(clockText(3_723_000), "1:02:03");
});

test("program time is compared across the wrap of 32 bits", () => {
  assert.equal(ticksAhead(10, 2 ** 32 - 10), 20);
  assert.equal(ticksAhead(2 ** 32 - 10, 10), -20);
});

test("a card waits for its frame, and not for longer than the limit", () => {
  const pin = 900_000;
  assert.equal(whenToShow(pin, pin - 9_000, 0), "wait");
  assert.equal(whenToShow(pin, pin, 40), "on_frame");
  assert.equal(whenToShow(pin, pin + 90_000, 0), "on_frame");
  assert.equal(whenToShow(pin, pin - 9_000, LONGEST_WAIT_MS), "at_limit");
});

test("a card without a time, or of another timeline, is shown at once", () => {
  assert.equal(whenToShow(null, 5, 0), "at_once");
  assert.equal(whenToShow(5, null, 0), "at_once");
  assert.equal(whenToShow(90_000 * 3600, 0, 0), "at_once");
});
