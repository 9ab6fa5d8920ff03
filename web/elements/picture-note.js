/** What stands where the picture will be: one note for each state of the watch and of the show. */

import { isOver } from "../store/show-store.js";
import { dayAndTime, t, thereTime } from "../strings/speak.js";
import { h } from "./dom.js";
import { sceneOf } from "./scene.js";
import { stateNote } from "./state-note.js";

/**
 * @param {import("../transport/watch.js").Phase} phase
 * @param {import("../types.js").Show | null} show
 * @param {{now: number, online: boolean, seen: boolean}} around `seen`: there was a picture before
 * @returns {import("./dom.js").Child}
 */
export function pictureNote(phase, show, { now, online, seen }) {
  const others = h("a", { class: "button small", href: "/" }, t("shows.other"));
  if (phase === "unknown") return stateNote({ icon: "warn", title: t("picture.unknown"), text: t("picture.unknown.do"), action: others, testid: "state-unknown" });
  if (show?.state === "closed" || (isOver(show) && !show?.on_air)) return [scene(show), stateNote({ title: t("picture.ended"), text: t("picture.ended.do"), action: others, testid: "state-ended" })];
  if (!online && phase !== "playing") return stateNote({ icon: "cloud", title: t("offline"), text: t("offline.do"), testid: "state-offline" });
  if (phase === "full") return stateNote({ icon: "eye", title: t("picture.full"), text: t("picture.full.do"), testid: "state-full" });
  if (phase === "lost") return stateNote({ title: t("picture.lost"), text: t("picture.lost.do"), class: "on-last-frame", testid: "state-lost" });
  if (phase === "waiting") return waitingNote(show, now, seen);
  if (phase === "playing" || phase === "stopped" || (phase === "connected" && seen)) return null;
  return stateNote({ title: t("picture.joining"), class: "is-joining", testid: "state-joining" });
}

/**
 * @param {import("../types.js").Show | null} show
 * @param {number} now
 * @param {boolean} seen
 */
function waitingNote(show, now, seen) {
  if (seen) return [scene(show), stateNote({ title: t("picture.pause"), text: t("picture.pause.do"), testid: "state-pause" })];
  const at = show?.starts_at ?? 0;
  if (at <= now) return [scene(show), stateNote({ title: t("picture.waiting"), text: t("picture.waiting.do"), testid: "state-waiting" })];
  const there = thereTime(at, show?.time_zone);
  return [
    scene(show),
    stateNote({
      title: t("picture.waiting.at", { when: dayAndTime(at, now) }),
      text: [there && h("span", { class: "there" }, there), t("picture.waiting.do")],
      testid: "state-waiting",
    }),
  ];
}

/** @param {import("../types.js").Show | null} show */
function scene(show) {
  return show && h("img", { class: "note-scene", src: sceneOf(show.id), alt: "" });
}
