// Publishes and plays with whip-whep, which trickles and restarts ICE by PATCH.
import { WHEPClient } from "whip-whep/whep.js";
import { WHIPClient } from "whip-whep/whip.js";

globalThis.publish = async ({ url, token }) => {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
  for (const track of stream.getTracks()) peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  const client = new WHIPClient();
  await client.publish(peer, url, token);
  globalThis.restart = () => client.restart();
  globalThis.stop = () => client.stop();
};

globalThis.play = async ({ url, token, video }) => {
  const peer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
  for (const kind of ["audio", "video"]) peer.addTransceiver(kind, { direction: "recvonly" });
  peer.ontrack = ({ track, streams }) => {
    if (track.kind === "video") video.srcObject = streams[0];
  };
  const client = new WHEPClient();
  await client.view(peer, url, token);
  globalThis.restart = () => client.restart();
  globalThis.stop = () => client.stop();
};
