"""What an answer owes to the offer, to the network, and to players: checks that run against any URL.

Marked `house` is what our own relay promises beyond the texts; a foreign server is not asked for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import re
import secrets
import socket
import struct
from urllib.parse import urljoin

from aiortc import (
    InvalidStateError,
    RTCCertificate,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from streaming.rtc import stun
from tests.interop.endpoint import ORIGIN, SDP, Broken, Endpoint, Reply, demand, ice, must
from tests.streaming import clips

TRIES = 10
TRY_SECONDS = 0.5
EVENTS = "urn:ietf:params:whep:ext:core:server-sent-events"
LAYER = "urn:ietf:params:whep:ext:core:layer"


async def opened(endpoint: Endpoint, offer: str) -> Reply:
    """A session of this very offer, deleted at once."""
    reply = await endpoint.ask("POST", endpoint.url, offer, Content_Type=SDP)
    demand(reply.status == 201, f"the offer was answered by {reply.status}: {reply.text[:200]}")
    await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
    return reply


# -- SDP -----------------------------------------------------------------------------------------


@must("RFC 3264 6.1")
async def payload_types_and_extension_ids_are_those_of_the_offer(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    numbers = sorted(set(re.findall(r"a=rtpmap:(\d+)", offer)))
    other = {number: str(70 + place) for place, number in enumerate(numbers)}  # as no browser has them

    def renumbered(line: str) -> str:
        if line.startswith("m="):
            head, *formats = line.split(" ")[:3], *line.split(" ")[3:]
            return " ".join([*head, *(other.get(name, name) for name in formats)])
        if inside := re.fullmatch(r"(a=fmtp:\d+) (\d+)/(\d+)", line):  # of RED (RFC 2198)
            line = f"{inside[1]} {other.get(inside[2])}/{other.get(inside[3])}"
        line = re.sub(r"^a=(rtpmap|fmtp|rtcp-fb):(\d+)", lambda m: f"a={m[1]}:{other.get(m[2], m[2])}", line)
        return re.sub(r"apt=(\d+)", lambda m: f"apt={other.get(m[1], m[1])}", line)

    for mine in (offer, "\r\n".join(renumbered(line) for line in offer.split("\r\n"))):
        reply = await opened(endpoint, mine)
        offered = dict(re.findall(r"a=rtpmap:(\d+) (\S+)", mine))
        for number, codec in re.findall(r"a=rtpmap:(\d+) (\S+)", reply.text):
            demand(offered.get(number, "").lower() == codec.lower(), f"{codec} is answered as {number}")
        for number in re.findall(r"a=fmtp:\d+ (\d+)/\d+\r", reply.text):
            demand(f"a=rtpmap:{number} " in reply.text, f"RED carries {number}, which is not answered")
        ids = dict(re.findall(r"a=extmap:(\d+)\S* (\S+)", mine))
        for number, uri in re.findall(r"a=extmap:(\d+)\S* (\S+)", reply.text):
            demand(
                ids.get(number) == uri, f"{uri} is answered as {number}, which nobody offered (RFC 8285 6)"
            )


@must("RFC 9429 5.3.1, mDNS candidates")
async def hidden_addresses_are_neither_needed_nor_repeated(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    hidden = f"a=candidate:7 1 udp 2113937151 {secrets.token_hex(8)}.local 51000 typ host\r\n"
    reply = await opened(endpoint, re.sub(r"a=candidate:[^\r]*\r\n", hidden, offer))
    demand(".local" not in reply.text, "a name of the offer is in the answer")


@must("RFC 9725 4.5")
async def nobody_is_sent_on_but_by_307_or_308(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await endpoint.ask("POST", endpoint.url, offer, Content_Type=SDP)
    if reply.status == 201:
        await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
    demand(reply.status not in (301, 302, 303), f"a POST was sent on by {reply.status}")


@must("RFC 9725 4.6")
async def servers_of_ice_come_with_their_credentials(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await opened(endpoint, offer)
    for link in reply.all("Link"):
        if 'rel="ice-server"' in link and link.startswith("<turn"):
            for name in ("username", "credential"):
                demand(f'{name}="' in link, f"a TURN server without its {name}")


@must("RFC 9725 4.4.2", kinds=("whip",))
async def a_second_picture_is_taken_or_nothing_is(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    head, *media = offer.split("m=")
    second = next(m for m in media if m.startswith("video"))
    second = re.sub(r"a=ssrc[^\r]*\r\n", "", second.replace("a=mid:1", "a=mid:2"))
    body = "m=".join([head.replace("BUNDLE 0 1", "BUNDLE 0 1 2"), *media, second])
    reply = await endpoint.ask("POST", endpoint.url, body, Content_Type=SDP)
    if reply.status == 201:
        await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
        demand("m=video 0 " not in reply.text, "one picture of two was taken")
    else:
        demand(400 <= reply.status < 500, f"two pictures were answered by {reply.status}")


@must("RFC 9725 4.4.3", kinds=("whip",))
async def a_sound_that_cannot_be_taken_is_no_half_success(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    head, *media = offer.split("m=")
    mute = [re.sub(r"(?i)(opus|red)/48000", r"X-\1/48000", m) if m.startswith("audio") else m for m in media]
    reply = await endpoint.ask("POST", endpoint.url, "m=".join([head, *mute]), Content_Type=SDP)
    if reply.status == 201:
        await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
    demand(400 <= reply.status < 500, f"a sound that nobody knows was answered by {reply.status}")


@must("our own", kinds=("whep",), house=True)
async def a_player_learns_its_round_trip_and_says_what_its_path_bears(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await opened(endpoint, offer)
    picture = reply.text.split("m=video")[1].split("m=")[0]
    for kind in ("rrtr", "goog-remb", "nack", "nack pli"):
        demand(bool(re.search(rf"a=rtcp-fb:\d+ {kind}\r\n", picture)), f"{kind} is not in the answer")
    demand("transport-cc" not in reply.text, "transport-cc silences REMB")


@must("our own", kinds=("whip",), house=True)
async def a_foreign_browser_is_told_to_start_at_full_size(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await opened(endpoint, offer)
    demand("b=AS:4000\r\n" in reply.text, "there is no b=AS:4000")
    demand("x-google-start-bitrate=4000" in reply.text, "there is no start bitrate")


# -- HTTP ----------------------------------------------------------------------------------------


@must("Fetch 3.3.2")
async def a_preflight_may_be_remembered(endpoint: Endpoint) -> None:
    reply = await endpoint.ask(
        "OPTIONS", endpoint.url, bearer=False, Origin=ORIGIN,
        Access_Control_Request_Method="POST",
    )  # fmt: skip
    demand(int(reply.header("Access-Control-Max-Age")) > 0, "each POST costs a preflight")


@must("draft-ietf-wish-whep 4.2", kinds=("whep",), needs="idle_url")
async def a_show_off_air_is_409_with_retry_after(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await endpoint.ask("POST", endpoint.idle_url, offer, Content_Type=SDP)
    demand(reply.status == 409, f"it was answered by {reply.status}")
    demand(int(reply.header("Retry-After")) >= 1, "Retry-After is no time")


@must("RFC 9725 4.5", needs="moved_url")
async def who_is_sent_on_keeps_its_offer_and_is_taken_there(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await endpoint.ask("POST", endpoint.moved_url, offer, Content_Type=SDP)
    demand(reply.status == 307, f"it was sent on by {reply.status}, not by 307")
    there = urljoin(endpoint.moved_url, reply.header("Location"))
    demand(there != endpoint.moved_url, "it was sent on to where it came from")
    taken = await endpoint.ask("POST", there, offer, Content_Type=SDP)
    demand(taken.status == 201, f"the same offer was answered by {taken.status} there")
    await endpoint.ask("DELETE", urljoin(there, taken.header("Location")))


@must("RFC 9725 4.5, RFC 9110 15.6.4", needs="full_url")
async def who_finds_no_room_is_told_when_to_come_again(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()  # a page cannot follow with its token, so it is not sent on
    reply = await endpoint.ask("POST", endpoint.full_url, offer, Content_Type=SDP, Origin=ORIGIN)
    demand(reply.status == 503, f"it was answered by {reply.status}")
    demand(int(reply.header("Retry-After")) >= 1, "Retry-After is no time")
    exposed = reply.header("Access-Control-Expose-Headers").lower()
    demand("*" in exposed or "retry-after" in exposed, "a page cannot read Retry-After")


@must("RFC 9725 5, RFC 6585 4", needs="flood")
async def a_flood_is_answered_by_429_with_retry_after(endpoint: Endpoint) -> None:
    for _ in range(endpoint.flood):
        reply = await endpoint.ask("POST", endpoint.url, "x", bearer=False, Content_Type=SDP)
        if reply.status in (429, 503):
            demand(int(reply.header("Retry-After")) >= 1, "Retry-After is no time")
            return
    demand(False, f"{endpoint.flood} requests that proved nothing were all heard")


# -- ICE and DTLS --------------------------------------------------------------------------------


async def is_answered(address: tuple[str, int], username: str, password: str, *, nominate: bool) -> bool:
    """Whether a connectivity check from a fresh address gets a good answer."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        for _ in range(TRIES):
            number = secrets.token_bytes(12)
            await loop.sock_sendto(
                sock,
                stun.binding_request(number, username, password.encode(), controlling=1, nominate=nominate),
                address,
            )
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(TRY_SECONDS):
                    while not is_success(await loop.sock_recv(sock, 2048), number):
                        pass  # a server may check us as well
                return True
    return False


def is_success(data: bytes, transaction: bytes) -> bool:
    kind, _, _, named = struct.unpack_from("!HHI12s", data.ljust(20, b"\0"))
    return bool(kind == stun.BINDING_SUCCESS and named == transaction)


def address_of(sdp: str) -> tuple[str, int]:
    found = re.search(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+) typ host", sdp, re.IGNORECASE)
    demand(found is not None, "there is no candidate over UDP")
    assert found is not None
    return found[1], int(found[2])


def theirs_of(sdp: str) -> tuple[str, str]:
    return re.findall(r"a=ice-ufrag:(\S+)", sdp)[0], re.findall(r"a=ice-pwd:(\S+)", sdp)[0]


@must("RFC 9725 4.3.3, RFC 8445 9")
async def a_restart_keeps_the_old_credentials_until_the_new_are_nominated(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        address, old, mine = address_of(session.reply.text), theirs_of(session.reply.text), ice()
        reply = await session.patch(session.fragment(mine), If_Match="*")
        demand(reply.status == 200, f"a restart was answered by {reply.status}")
        new, before = theirs_of(reply.text), session.credentials
        for (theirs, password), ours in ((old, before), (new, mine)):
            heard = await is_answered(address, f"{theirs}:{ours[0]}", password, nominate=False)
            demand(heard, f"checks for the {'old' if ours is before else 'new'} credentials are not answered")
        await is_answered(address, f"{new[0]}:{mine[0]}", new[1], nominate=True)


def rsa_certificate() -> RTCCertificate:
    """As GStreamer and some hardware encoders have it."""
    key = rsa.generate_private_key(65_537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "rsa")])
    now = datetime.datetime.now(datetime.UTC)
    draft = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    valid = draft.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    return RTCCertificate(key, valid.sign(key, hashes.SHA256()))  # type: ignore[arg-type]  # aiortc names one kind


async def connects(endpoint: Endpoint, certificate: RTCCertificate) -> None:
    """Whether a peer with this certificate gets as far as keys."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    peer._RTCPeerConnection__certificates = [certificate]  # type: ignore[attr-defined]  # aiortc offers no other way
    try:
        source = clips.picture_track(width=320, height=180) if endpoint.kind == "whip" else "video"
        peer.addTransceiver(source, endpoint.ours)
        await peer.setLocalDescription(await peer.createOffer())
        reply = await endpoint.ask("POST", endpoint.url, peer.localDescription.sdp, Content_Type=SDP)
        demand(reply.status == 201, f"the offer was answered by {reply.status}: {reply.text[:200]}")
        try:
            await peer.setRemoteDescription(RTCSessionDescription(reply.text, "answer"))
        except (ValueError, InvalidStateError) as unreadable:
            raise Broken(f"a peer cannot take the answer: {unreadable}") from None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(40):
                while peer.connectionState not in ("connected", "failed"):  # noqa: ASYNC110 (a state without an event)
                    await asyncio.sleep(0.05)
        state = peer.connectionState
        await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
        demand(state == "connected", f"the peer is {state}")
    finally:
        await peer.close()


@must("RFC 8827 6.5")
async def a_peer_with_an_ecdsa_certificate_is_met(endpoint: Endpoint) -> None:
    await connects(endpoint, RTCCertificate.generateCertificate())


@must("what real clients have")
async def a_peer_with_an_rsa_certificate_is_met(endpoint: Endpoint) -> None:
    await connects(endpoint, rsa_certificate())


# -- WHEP's extensions ---------------------------------------------------------------------------


def offered(reply: Reply, relation: str, base: str) -> str:
    """The address of an extension; "" where it is not offered, which nobody must."""
    for link in reply.all("Link"):
        if f'rel="{relation}"' in link:
            return urljoin(base, link[1 : link.index(">")])
    return ""


@must("draft-ietf-wish-whep-02 4.9.1", kinds=("whep",))
async def events_are_opened_read_and_ended(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        url = offered(session.reply, EVENTS, session.url)
        if not url:
            return
        wrong = await endpoint.ask("POST", url, '["no-such-event"]', Content_Type="application/json")
        demand(wrong.status == 400, f"an event that nobody knows was answered by {wrong.status}")
        made = await endpoint.ask("POST", url, '["viewercount"]', Content_Type="application/json")
        demand(made.status == 201, f"POST was answered by {made.status}")
        stream = urljoin(url, made.header("Location"))
        async with endpoint.http.get(stream) as response:
            demand(response.content_type == "text/event-stream", f"it is {response.content_type}")
            first = (await response.content.readline()).decode()
            demand(first.startswith("event: "), f"it begins with {first!r}")
        gone = await endpoint.ask("DELETE", stream)
        demand(200 <= gone.status < 300, f"DELETE was answered by {gone.status}")
        after = await endpoint.ask("GET", stream)
        demand(after.status == 404, f"after DELETE the stream answers {after.status}")


@must("draft-ietf-wish-whep-02 4.9.2", kinds=("whep",))
async def a_layer_is_wished_and_given_back(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        url = offered(session.reply, LAYER, session.url)
        if not url:
            return
        demand(bool(offered(session.reply, EVENTS, session.url)), "layers without their event")
        unknown = await endpoint.ask("POST", url, '{"rid": "no-such"}', Content_Type="application/json")
        demand(400 <= unknown.status < 500, f"a layer that is not there was answered by {unknown.status}")
        back = await endpoint.ask("POST", url, "{}", Content_Type="application/json")
        demand(back.status == 200, f"a wish for nothing in particular was answered by {back.status}")
        bare = await endpoint.ask("POST", url, "{}", bearer=False, Content_Type="application/json")
        demand(not endpoint.token or bare.status in (401, 403, 404), f"without a token it is {bare.status}")
