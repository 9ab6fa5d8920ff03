"""Publishes a test picture and ticks with GStreamer's webrtcbin. Run by the system's own Python.

Usage: webrtcbin.py URL, the token in WHIP_TOKEN. Ends on SIGTERM with DELETE.
"""

import os
import signal
import sys
import urllib.request
from urllib.parse import urljoin

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstSdp", "1.0")
gi.require_version("GstWebRTC", "1.0")
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402  # after the versions are named

PIPELINE = """
webrtcbin name=peer bundle-policy=max-bundle
videotestsrc is-live=true pattern=smpte ! video/x-raw,width=1280,height=720,framerate=30/1
  ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=1500 key-int-max=30
  ! video/x-h264,profile=constrained-baseline ! rtph264pay config-interval=-1 aggregate-mode=zero-latency
  ! application/x-rtp,media=video,encoding-name=H264,payload=96 ! peer.
audiotestsrc is-live=true wave=ticks ! audioconvert ! audioresample ! opusenc ! rtpopuspay
  ! application/x-rtp,media=audio,encoding-name=OPUS,payload=97 ! peer.
"""


class Publisher:
    def __init__(self, url, token):
        self.url, self.token, self.session = url, token, None
        self.loop = GLib.MainLoop()
        self.pipeline = Gst.parse_launch(PIPELINE)
        self.peer = self.pipeline.get_by_name("peer")
        self.peer.connect("on-negotiation-needed", self.negotiate)
        self.peer.connect("notify::ice-gathering-state", self.gathered)
        self.peer.connect("notify::connection-state", self.report)

    def ask(self, method, url, body=None):
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/sdp"
        request = urllib.request.Request(url, body, headers, method=method)  # the test's own relay
        return urllib.request.urlopen(request, timeout=10)  # the same

    def negotiate(self, peer):
        for number in range(2):
            transceiver = peer.emit("get-transceiver", number)
            transceiver.set_property("direction", GstWebRTC.WebRTCRTPTransceiverDirection.SENDONLY)
        peer.emit("create-offer", None, Gst.Promise.new_with_change_func(self.offered))

    def offered(self, promise):
        reply = promise.get_reply()  # it owns the offer, so it is kept until that is set
        self.peer.emit("set-local-description", reply.get_value("offer"), Gst.Promise.new())

    def gathered(self, peer, _):
        complete = GstWebRTC.WebRTCICEGatheringState.COMPLETE
        if peer.get_property("ice-gathering-state") != complete or self.session:
            return
        offer = peer.get_property("local-description").sdp.as_text()
        with self.ask("POST", self.url, offer.encode()) as response:
            self.session = urljoin(self.url, response.headers["Location"])
            answer = response.read().decode()
        _, sdp = GstSdp.SDPMessage.new_from_text(answer)
        description = GstWebRTC.WebRTCSessionDescription.new(GstWebRTC.WebRTCSDPType.ANSWER, sdp)
        peer.emit("set-remote-description", description, Gst.Promise.new())

    def report(self, peer, _):
        print(peer.get_property("connection-state").value_nick, flush=True)

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        GLib.unix_signal_add(GLib.PRIORITY_DEFAULT, signal.SIGTERM, self.loop.quit)
        self.loop.run()
        if self.session:
            self.ask("DELETE", self.session).close()
        self.pipeline.set_state(Gst.State.NULL)


Gst.init(None)
Publisher(sys.argv[1], os.environ["WHIP_TOKEN"]).run()
