// Plays with @eyevinn/webrtc-player, adapter `whep`, which gathers all candidates before it offers.
import { WebRTCPlayer } from "@eyevinn/webrtc-player";

globalThis.play = async ({ url, token, video }) => {
  const player = new WebRTCPlayer({ video, type: "whep", iceServers: [], statsTypeFilter: "^inbound-rtp" });
  await player.load(new URL(url), `Bearer ${token}`);
  globalThis.stop = () => player.destroy();
};
