// Plays with werift and publishes the packets that come to another studio: werift.mjs WHEP WHIP
// Ends when stdin does, and tells how many packets of each kind came and whether keyframes were asked for.
import { MediaStreamTrack, RTCPeerConnection, RTCRtpCodecParameters } from "werift";

const [, , whep, whip] = process.argv;
const feedback = [{ type: "nack" }, { type: "nack", parameter: "pli" }, { type: "goog-remb" }];
const parameters = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
const codecs = {
  video: [new RTCRtpCodecParameters({ mimeType: "video/H264", clockRate: 90_000, payloadType: 96, parameters, rtcpFeedback: feedback })],
  audio: [new RTCRtpCodecParameters({ mimeType: "audio/opus", clockRate: 48_000, channels: 2, payloadType: 111 })],
};

async function connect(peer, url, token) {
  await peer.setLocalDescription(await peer.createOffer());
  const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` };
  const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
}

const viewer = new RTCPeerConnection({ codecs, bundlePolicy: "max-bundle" });
const studio = new RTCPeerConnection({ codecs, bundlePolicy: "max-bundle" });
const seen = { video: 0, audio: 0, asked: 0 };
const onward = {};
for (const kind of ["video", "audio"]) {
  viewer.addTransceiver(kind, { direction: "recvonly" });
  onward[kind] = new MediaStreamTrack({ kind });
  const { sender } = studio.addTransceiver(onward[kind], { direction: "sendonly" });
  sender.onPictureLossIndication.subscribe(() => {
    const { receiver } = viewer.getTransceivers()[0];
    seen.asked += 1;
    receiver.sendRtcpPLI(receiver.tracks[0].ssrc);
  });
}
viewer.onTrack.subscribe((track) =>
  track.onReceiveRtp.subscribe((packet) => {
    seen[track.kind] += 1;
    onward[track.kind].writeRtp(packet);
  }),
);
await connect(viewer, whep, process.env.WHEP_TOKEN);
await connect(studio, whip, process.env.WHIP_TOKEN);
process.stdin.on("end", () => {
  console.log(JSON.stringify(seen));
  process.exit(0);
});
process.stdin.resume();
