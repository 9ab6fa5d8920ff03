"""Offers in the shape that browsers give them."""

from __future__ import annotations

TRANSPORT = """a=rtcp-mux
a=rtcp-rsize
a=ice-ufrag:Xy12
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=ice-options:trickle
a=fingerprint:sha-256 {fingerprint}
a=setup:{setup}
"""
FINGERPRINT = ":".join(["AB"] * 32)
VIDEO_CODECS = """a=rtpmap:96 VP8/90000
a=rtcp-fb:96 transport-cc
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rtpmap:102 H264/90000
a=rtcp-fb:102 goog-remb
a=rtcp-fb:102 transport-cc
a=rtcp-fb:102 nack
a=rtcp-fb:102 nack pli
a=fmtp:102 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f
a=rtpmap:103 rtx/90000
a=fmtp:103 apt=102
a=rtpmap:106 H264/90000
a=fmtp:106 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f
a=rtpmap:108 H264/90000
a=rtcp-fb:108 transport-cc
a=fmtp:108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f
a=rtpmap:109 rtx/90000
a=fmtp:109 apt=108
"""
EXTENSIONS = """a=extmap:1 urn:ietf:params:rtp-hdrext:toffset
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=extmap:7 http://www.webrtc.org/experiments/rtp-hdrext/video-timing
a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid
"""


def offer(
    direction: str = "recvonly", *, setup: str = "actpass", codecs: str = VIDEO_CODECS, sound: bool = True
) -> str:
    """An offer of one picture and one sound, bundled."""
    transport = TRANSPORT.format(fingerprint=FINGERPRINT, setup=setup)
    numbers = " ".join(line.split()[0].partition(":")[2] for line in codecs.splitlines() if "rtpmap" in line)
    text = "v=0\no=- 46117317 2 IN IP4 127.0.0.1\ns=-\nt=0 0\n"
    text += f"a=group:BUNDLE 0{' 1' if sound else ''}\na=extmap-allow-mixed\na=msid-semantic: WMS\n"
    text += f"m=video 9 UDP/TLS/RTP/SAVPF {numbers}\nc=IN IP4 0.0.0.0\n"
    text += "a=candidate:1 1 udp 2113937151 6a8f1c2e-1f0e.local 51000 typ host\n"
    text += f"{transport}a=mid:0\n{EXTENSIONS}a={direction}\n{codecs}"
    if sound:
        text += "m=audio 9 UDP/TLS/RTP/SAVPF 111 63\nc=IN IP4 0.0.0.0\n"
        text += f"{transport}a=mid:1\na=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\n"
        text += f"a={direction}\na=rtpmap:111 opus/48000/2\na=fmtp:111 minptime=10;useinbandfec=1\n"
        text += "a=rtpmap:63 red/48000/2\na=fmtp:63 111/111\n"
    return text.replace("\n", "\r\n")
