"""Timestamps are capture time; what was lost is sent again within a budget."""

from aiortc.rtp import RtcpPacket, RtcpSdesPacket, RtcpSrPacket, RtpPacket

from studio_agent.rtp import HISTORY_PACKETS, NTP_EPOCH_S, ExtensionIds, OutgoingStream, ntp64

NOON = 1_800_000_000.25
RTX = (77, 109)


def stream(clock_hz: int = 90_000, rtx: tuple[int, int] | None = RTX, **ids: int) -> OutgoingStream:
    return OutgoingStream(
        ssrc=42,
        payload_type=108,
        clock_hz=clock_hz,
        mid="1",
        ids=ExtensionIds(**ids),
        first_sequence=65_530,
        first_timestamp=0xFFFFFF00,
        rtx=rtx,
    )


def sent(stream: OutgoingStream, payloads: list[bytes], captured_s: float) -> list[RtpPacket]:
    packets = stream.frame(payloads, captured_s, marked=True)
    return [RtpPacket.parse(stream.stamp(packet, captured_s + 0.01)) for packet in packets]


def test_sequence_and_timestamp_run_over_their_ends() -> None:
    video = stream()
    first = sent(video, [b"x"] * 6, NOON)
    later = sent(video, [b"y"] * 2, NOON + 1)
    assert [packet.sequence_number for packet in first + later] == [
        65530,
        65531,
        65532,
        65533,
        65534,
        65535,
        0,
        1,
    ]
    assert (later[0].timestamp - first[0].timestamp) % (1 << 32) == 90_000
    assert [packet.marker for packet in first] == [0, 0, 0, 0, 0, 1]


def test_sound_and_picture_of_one_moment_have_one_moment_in_their_reports() -> None:
    video, audio = stream(), stream(clock_hz=48_000)
    picture = sent(video, [b"x"], NOON)[0]
    sound = sent(audio, [b"y"], NOON + 0.02)[0]
    for way, packet, captured_s in ((video, picture, NOON), (audio, sound, NOON + 0.02)):
        report = RtcpPacket.parse(way.sender_report(NOON + 1, "studio"))[0]
        assert isinstance(report, RtcpSrPacket)
        ntp_s = report.sender_info.ntp_timestamp / (1 << 32) - NTP_EPOCH_S
        ticks = (report.sender_info.rtp_timestamp - packet.timestamp) % (1 << 32)
        assert abs(ntp_s - ticks / way.clock_hz - captured_s) < 0.0001


def test_a_report_names_the_source_and_counts() -> None:
    video = stream()
    sent(video, [b"abc", b"de"], NOON)
    report, names = RtcpPacket.parse(video.sender_report(NOON, "studio"))
    assert isinstance(report, RtcpSrPacket)
    assert isinstance(names, RtcpSdesPacket)
    assert (report.sender_info.packet_count, report.sender_info.octet_count) == (2, 5)
    assert names.chunks[0].items[0] == (1, b"studio")


def test_a_lost_packet_is_sent_again_under_its_own_number_of_rtx() -> None:
    video = stream()
    sent(video, [b"one", b"two"], NOON)
    again = RtpPacket.parse(video.resend([65531], NOON + 0.1, 0.05)[0])
    assert (again.ssrc, again.payload_type, again.sequence_number, again.marker) == (77, 109, 0, 1)
    assert again.payload == (65531).to_bytes(2, "big") + b"two"
    assert RtpPacket.parse(video.resend([65530], NOON + 0.1, 0.05)[0]).sequence_number == 1


def test_a_packet_is_sent_again_once_a_round_trip() -> None:
    video = stream()
    sent(video, [b"one"], NOON)
    assert len(video.resend([65530, 65530], NOON + 0.1, 0.08)) == 1
    assert video.resend([65530], NOON + 0.15, 0.08) == []
    assert len(video.resend([65530], NOON + 0.19, 0.08)) == 1


def test_a_storm_of_requests_is_no_storm_of_answers() -> None:
    video = stream()
    for number in range(100):
        sent(video, [b"x"] * 10, NOON + number / 30)
    lost = [(65_530 + number) & 0xFFFF for number in range(1_000)]
    answered = sum(len(video.resend(lost, NOON + 4 + storm, 0.01)) for storm in range(20))
    assert 0 < answered <= 256
    assert video.refused_resends == 20_000 - answered


def test_the_history_has_an_end() -> None:
    video = stream()
    for number in range(HISTORY_PACKETS + 10):
        sent(video, [b"x"], NOON + number / 30)
    assert video.resend([65_530], NOON + 60, 0.01) == []


def test_without_rtx_nothing_is_encrypted_twice() -> None:
    video = stream(rtx=None)
    sent(video, [b"one"], NOON)
    assert video.resend([65_530], NOON + 0.1, 0.01) == []


def test_extensions_are_written_under_the_ids_of_the_answer() -> None:
    video = stream(mid=4, abs_send_time=2, abs_capture_time=9)
    first, second = video.frame([b"x", b"y"], NOON, marked=True)
    wire = video.stamp(first, NOON + 0.5)
    assert wire[:2] == bytes((0x90, 108))
    words = int.from_bytes(wire[14:16], "big")
    body = wire[16 : 16 + 4 * words]
    assert body[:2] == bytes((4 << 4, ord("1")))
    assert body[2] == 2 << 4 | 2
    assert int.from_bytes(body[3:6], "big") == (ntp64(NOON + 0.5) >> 14) & 0xFFFFFF
    assert body[6] == 9 << 4 | 7
    assert int.from_bytes(body[7:15], "big") == ntp64(NOON)
    assert wire[16 + 4 * words :] == b"x"
    assert len(video.stamp(second, NOON + 0.5)) < len(wire)


def test_an_encoding_names_itself_and_its_repairs_name_it() -> None:
    half = stream(rid=4, repaired_rid=5)
    half.rid = "h"
    (packet,) = half.frame([b"x"], NOON, marked=True)
    assert half.stamp(packet, NOON)[16:18] == bytes((4 << 4, ord("h")))
    (again,) = half.resend([packet.sequence], NOON + 1, 0.01)
    assert again[16:18] == bytes((5 << 4, ord("h")))


def test_without_extensions_the_header_is_twelve_bytes() -> None:
    video = stream()
    assert len(video.stamp(video.frame([b"x"], NOON, marked=True)[0], NOON)) == 13
