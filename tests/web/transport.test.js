import assert from "node:assert/strict";
import { test } from "node:test";

import { LONGEST_WAIT_MS, pause, retryAfterMs, waitMs } from "../../web/transport/backoff.js";
import { messageOf } from "../../web/transport/events.js";
import { eventReader } from "../../web/transport/sse.js";
import { withoutHiddenCandidates } from "../../web/transport/whep.js";

test("the wait grows, never past its limit, and is never nothing", () => {
  const waits = Array.from({ length: 12 }, (_, attempt) => waitMs(attempt, 1));
  assert.deepEqual(waits, [...waits].sort((a, b) => a - b));
  assert.equal(waits.at(-1), LONGEST_WAIT_MS);
  assert.ok(waitMs(0, 0) >= 100);
});

test("a wait is never shorter than what the server asked for", () => {
  assert.ok(waitMs(0, 0, 2_000) >= 2_000);
});

test("Retry-After is read as seconds and as a date", () => {
  assert.equal(retryAfterMs("3", 0), 3_000);
  assert.equal(retryAfterMs("Thu, 01 Jan 1970 00:00:05 GMT", 1_000), 4_000);
  assert.equal(retryAfterMs(null, 0), 0);
  assert.equal(retryAfterMs("soon", 0), 0);
});

test("a pause ends early when it is called off", async () => {
  const off = new AbortController();
  const waiting = pause(60_000, off.signal);
  off.abort();
  await waiting;
});

test("events cut into single characters are read as if whole", () => {
  const text = ': ping\r\n\r\nid: e.1.0\r\nevent: snapshot\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: e.2.0\nevent: patch\ndata:{}\n\n';
  const whole = eventReader()(text);
  const read = eventReader();
  const pieces = [...text].flatMap((character) => read(character));
  assert.deepEqual(pieces, whole);
  assert.deepEqual(whole, [
    { id: "e.1.0", event: "snapshot", data: '{"a":\n1}' },
    { id: "e.2.0", event: "patch", data: "{}" },
  ]);
});

test("a snapshot sets the clock of countdowns, a patch does not", () => {
  const data = JSON.stringify({ entities: { server_time: { at: 5_000 } } });
  assert.equal(messageOf({ id: "", event: "snapshot", data }, 2_000).ahead_ms, 3_000);
  assert.equal(messageOf({ id: "", event: "patch", data }, 2_000).ahead_ms, undefined);
});

test("hidden host candidates do not leave the browser", () => {
  const shown = "a=candidate:2 1 udp 1 192.0.2.1 5000 typ host\r\n";
  const sdp = `v=0\r\na=candidate:1 1 udp 2113937151 8f2a.local 51472 typ host generation 0\r\n${shown}`;
  assert.equal(withoutHiddenCandidates(sdp), `v=0\r\n${shown}`);
});

test("a thousand players of a relay that was away for ten seconds do not come back in chorus, and all do soon", () => {
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  const AWAY_MS = 10_000;
  const back = Array.from({ length: 1_000 }, () => {
    // They notice within half a second of each other (live-picture.js looks twice a second).
    let now = 500 * random();
    for (let attempt = 0; now < AWAY_MS; attempt += 1) now += waitMs(attempt, random());
    return now - AWAY_MS;
  });
  assert.ok(Math.max(...back) <= LONGEST_WAIT_MS);
  for (let from = 0; from < LONGEST_WAIT_MS; from += 1_000) {
    const together = back.filter((at) => at >= from && at < from + 1_000).length;
    assert.ok(together < 300, `${together} in one second: more than a relay lets in from one address`);
  }
});
