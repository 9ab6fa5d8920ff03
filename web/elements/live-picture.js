/**
 * `<live-picture>`: the picture of a show. Takes a Watch, plays what it brings, says what is the matter
 * when nothing comes, and tells of every frame (`frame`, detail: RTP timestamp) for those who keep time.
 * Sound is off until a person asks for it: browsers refuse it otherwise.
 */

import { measure } from "../store/stats.js";
import { t } from "../strings/speak.js";
import { firstFrame } from "../transport/whep.js";
import { h } from "./dom.js";
import { silk } from "./element.js";
import { icon } from "./icon.js";

const LOOK_EVERY_MS = 500;
// Decoding nothing for so long while connected: the seat is worth nothing any more.
const STILL_LIMIT_MS = 3_000;

export class LivePicture extends silk({
  note: /** @type {import("./dom.js").Child} */ (null),
  silent: true,
  playing: false,
  frozen: false,
}) {
  /** @type {import("../transport/watch.js").Watch | null} */
  watch = null;
  /** @type {HTMLVideoElement | null} */
  video = null;
  /** @type {import("../transport/whep.js").WhepSession | null} the one whose picture is on screen */
  #session = null;
  #moved_at = 0;
  #decoded = 0;

  view() {
    return [
      h("video", {
        key: "video",
        class: "picture-video",
        playsinline: true,
        autoplay: true,
        muted: true,
        "aria-label": t("show.picture"),
        "data-testid": "video",
        ref: (/** @type {HTMLVideoElement} */ video) => this.#adopt(video),
      }),
      h("canvas", { key: "frozen", class: "picture-frozen", "aria-hidden": "true", hidden: !this.frozen }),
      this.note && h("div", { key: "note", class: "picture-note", role: "status" }, this.note),
      h("div", { key: "controls", class: "picture-controls" }, this.#soundButton()),
    ];
  }

  #soundButton() {
    if (!this.playing) return null;
    const press = () => this.#sound(this.silent);
    if (this.silent) {
      return h(
        "button",
        { key: "on", type: "button", class: "button small on-picture", "data-testid": "sound-on", onclick: press },
        icon("muted"),
        t("sound.on"),
      );
    }
    return h(
      "button",
      { key: "off", type: "button", class: "icon-button on-picture", "data-testid": "sound-off", "aria-label": t("sound.off"), onclick: press },
      icon("sound"),
    );
  }

  entered() {
    const looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.leaving(() => clearInterval(looking));
  }

  /**
   * @param {import("../transport/watch.js").Watch} watch
   */
  follow(watch) {
    this.watch = watch;
    this.listen(watch, "phase", () => this.#phase());
    this.leaving(() => watch.stop());
    this.#phase();
  }

  /** @param {HTMLVideoElement} video */
  #adopt(video) {
    this.video = video;
    video.muted = true;
    video.addEventListener("resize", () => this.ask("shape", { width: video.videoWidth, height: video.videoHeight }));
    video.addEventListener("volumechange", () => (this.silent = video.muted));
    this.#everyFrame(video);
  }

  /** @param {HTMLVideoElement} video */
  #everyFrame(video) {
    if (!("requestVideoFrameCallback" in video)) return;
    const told = (/** @type {number} */ _now, /** @type {VideoFrameCallbackMetadata} */ frame) => {
      measure({ frames_shown: frame.presentedFrames, frame_pts: frame.rtpTimestamp ?? null });
      this.dispatchEvent(new CustomEvent("frame", { detail: frame.rtpTimestamp }));
      video.requestVideoFrameCallback(told);
    };
    video.requestVideoFrameCallback(told);
  }

  #phase() {
    const { watch, video } = this;
    if (!watch) return;
    measure({ phase: watch.phase, seats: watch.seats });
    if (watch.phase === "playing") this.playing = true;
    else if (watch.phase !== "connected") this.playing = false;
    if (watch.phase === "connected" && watch.session && video) this.#show(watch.session, video);
    this.ask("phase", watch.phase);
  }

  /**
   * Takes a session's picture. Where one is on screen already, its last frame covers the change.
   * @param {import("../transport/whep.js").WhepSession} session
   * @param {HTMLVideoElement} video
   */
  #show(session, video) {
    this.#moved_at = performance.now();
    this.#decoded = 0;
    if (this.#session && this.playing) this.#freeze(video);
    if (this.#session) this.#session.ending = () => {};
    this.#session = session;
    session.ending = () => this.#freeze(video);
    video.srcObject = session.stream;
    firstFrame(video).then((at) => {
      if (this.watch?.session !== session) return;
      measure({ first_frame_at: at, first_frame_ms: Math.round(at - this.watch.asked_at) });
      this.frozen = false;
      this.watch.frameShown();
    });
    video.play().catch(() => {
      // Refused with sound after a re-seat: without sound a picture may always play.
      video.muted = true;
      video.play().catch(() => {});
    });
  }

  /** Keeps the last frame in sight: a video whose peer closes turns black.
   * @param {HTMLVideoElement} video
   */
  #freeze(video) {
    const canvas = this.querySelector("canvas");
    if (!canvas || !video.videoWidth) return;
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    this.frozen = true;
    this.draw();
  }

  /** @param {boolean} on */
  #sound(on) {
    const { video } = this;
    if (!video) return;
    video.muted = !on;
    this.silent = video.muted;
    video.play().catch(() => {
      video.muted = true;
      this.silent = true;
    });
  }

  async #look() {
    const session = this.watch?.session;
    if (!session) return;
    for (const report of (await session.peer.getStats()).values()) {
      if (report.type !== "inbound-rtp") continue;
      if (report.kind === "video") this.#judge(report.framesDecoded ?? 0);
      if (report.kind === "audio") measure({ audio_energy: report.totalAudioEnergy ?? 0 });
    }
  }

  /** @param {number} decoded */
  #judge(decoded) {
    measure({ frames_decoded: decoded });
    const now = performance.now();
    if (decoded !== this.#decoded || document.hidden) {
      this.#decoded = decoded;
      this.#moved_at = now;
    } else if (now - this.#moved_at > STILL_LIMIT_MS) {
      this.#moved_at = now;
      this.watch?.abandon();
    }
  }
}

customElements.define("live-picture", LivePicture);
