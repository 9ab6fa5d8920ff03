/** Wall-clock times in the zone of a show. */

// Where the road goes; any other zone that the browser knows follows.
const NEAR = ["Asia/Shanghai", "Asia/Urumqi", "Asia/Almaty", "Asia/Tashkent", "Asia/Bishkek", "Asia/Baku", "Asia/Tbilisi", "Europe/Moscow"];

export function zones() {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const all = Intl.supportedValuesOf("timeZone");
  return [...new Set([own, ...NEAR, ...all])];
}

/**
 * The moment at which a clock in `zone` shows `wall` ("2026-11-22T20:00"): the guess in UTC, moved by
 * the zone's offset there; twice, since the offset may change between guess and answer.
 * @param {string} wall
 * @param {string} zone
 * @returns {number} Unix ms; NaN when unreadable
 */
export function atInZone(wall, zone) {
  const guess = Date.parse(`${wall}Z`);
  if (Number.isNaN(guess)) return Number.NaN;
  const first = guess - offsetMs(guess, zone);
  return guess - offsetMs(first, zone);
}

/**
 * @param {number} at Unix ms
 * @param {string} zone
 */
function offsetMs(at, zone) {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) - Math.floor(at / 1000) * 1000;
}
