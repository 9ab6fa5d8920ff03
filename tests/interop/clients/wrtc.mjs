// Publishes a drawn picture with @roamhq/wrtc (libwebrtc for Node) and plays the program in the same process:
// wrtc.mjs WHIP WHEP. Ends when its own decoder has shown 60 pictures, and tells how large the last was.
import wrtc from "@roamhq/wrtc";

const { RTCPeerConnection, nonstandard } = wrtc;
const [, , whip, whep] = process.argv;
const [width, height] = [320, 180];

async function connect(peer, url, token) {
  await peer.setLocalDescription(await peer.createOffer());
  const headers = { "Content-Type": "application/sdp", Authorization: `Bearer ${token}` };
  for (;;) {
    const answer = await fetch(url, { method: "POST", headers, body: peer.localDescription.sdp });
    if (answer.status === 409) continue; // the program comes with the first keyframe
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    return peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  }
}

const studio = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
const picture = new nonstandard.RTCVideoSource();
const sound = new nonstandard.RTCAudioSource();
for (const source of [picture, sound]) studio.addTransceiver(source.createTrack(), { direction: "sendonly" });
const data = new Uint8ClampedArray((width * height * 3) / 2).fill(128);
let drawn = 0;
setInterval(() => {
  drawn += 1;
  data.fill(drawn & 255, 0, width * 20);
  picture.onFrame({ width, height, data });
}, 33);
const samples = new Int16Array(480);
setInterval(() => sound.onData({ samples, sampleRate: 48_000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 }), 10);
await connect(studio, whip, process.env.WHIP_TOKEN);

const viewer = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
let shown = 0;
viewer.ontrack = ({ track }) => {
  if (track.kind !== "video") return;
  new nonstandard.RTCVideoSink(track).onframe = ({ frame }) => {
    shown += 1;
    if (shown < 60) return;
    console.log(JSON.stringify({ shown, width: frame.width, height: frame.height }));
    process.exit(0);
  };
};
for (const kind of ["video", "audio"]) viewer.addTransceiver(kind, { direction: "recvonly" });
await connect(viewer, whep, process.env.WHEP_TOKEN);
