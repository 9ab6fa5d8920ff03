// Publishes encoded H.264, its section of sound mute, with libdatachannel, which is what OBS has inside: libdatachannel.mjs URL FILE
// The file holds access units, each behind its length in four bytes. Ends, with DELETE, when stdin does.
import { readFileSync } from "node:fs";
import { Audio, H264RtpPacketizer, PeerConnection, RtcpNackResponder, RtcpSrReporter, RtpPacketizationConfig, Video } from "node-datachannel";

const [, , url, file] = process.argv;
const authorization = { Authorization: `Bearer ${process.env.WHIP_TOKEN}` };
const frames = [];
for (let rest = readFileSync(file); rest.length; ) {
  const end = 4 + rest.readUInt32BE(0);
  frames.push(rest.subarray(4, end));
  rest = rest.subarray(end);
}

const peer = new PeerConnection("studio", { iceServers: [], disableAutoNegotiation: true });
const audio = new Audio("0", "SendOnly");
audio.addOpusCodec(111);
audio.addSSRC(1111, "studio", "studio", "sound");
const video = new Video("1", "SendOnly");
video.addH264Codec(96);
video.addSSRC(2222, "studio", "studio", "picture");
peer.addTrack(audio);
const picture = peer.addTrack(video);
const config = new RtpPacketizationConfig(2222, "studio", 96, 90_000);
const packetizer = new H264RtpPacketizer("LongStartSequence", config, 1_200);
packetizer.addToChain(new RtcpSrReporter(config));
packetizer.addToChain(new RtcpNackResponder());
picture.setMediaHandler(packetizer);

const gathered = new Promise((done) => peer.onGatheringStateChange((state) => state === "complete" && done()));
peer.setLocalDescription("offer");
await gathered;
const answer = await fetch(url, {
  method: "POST",
  headers: { ...authorization, "Content-Type": "application/sdp" },
  body: peer.localDescription().sdp,
});
if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
peer.setRemoteDescription(await answer.text(), "answer");

const began = Date.now();
let sent = 0;
const clock = setInterval(() => {
  for (; sent < ((Date.now() - began) * 30) / 1_000; sent += 1) {
    config.timestamp = sent * 3_000;
    if (picture.isOpen()) picture.sendMessageBinary(frames[sent % frames.length]);
  }
}, 10);
process.stdin.on("end", async () => {
  clearInterval(clock);
  const left = await fetch(new URL(answer.headers.get("Location"), url), { method: "DELETE", headers: authorization });
  console.log(JSON.stringify({ left: left.status }));
  peer.close();
  process.exit(0);
});
process.stdin.resume();
