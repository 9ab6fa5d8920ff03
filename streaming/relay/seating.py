"""What a viewer's terms are to the sender. Knows both vocabularies and nothing else."""

from __future__ import annotations

from ..domain import timeline
from ..fanout import Address, Keys, Seat, Track
from ..rtc import rtcp
from ..rtc.answers import Terms, TrackTerms, ViewerSsrcs
from ..rtc.dtls import SrtpKeys


def seat_of(terms: Terms, ssrcs: ViewerSsrcs, first_rtx: int, keys: SrtpKeys, address: Address) -> Seat:
    """What the sender has to know of a viewer."""
    return Seat(
        address,
        Keys(keys.profile, keys.ours, keys.our_salt),
        _track(terms.video, ssrcs.video, ssrcs.rtx, first_rtx),
        _track(terms.audio, ssrcs.audio, 0, first_rtx),
        cname="program",
    )


def time_told(terms: Terms, ssrcs: ViewerSsrcs, said: rtcp.ReceiverTime) -> bytes:
    """The DLRR block for a player's reference time (RFC 3611 section 4.5), said at once."""
    sender = ssrcs.video if terms.video is not None else ssrcs.audio
    return rtcp.delay_since_receiver_time(sender, said.ssrc, timeline.middle(said.ntp), 0)


def _track(terms: TrackTerms | None, ssrc: int, rtx_ssrc: int, first_rtx: int) -> Track | None:
    """One track of a seat; `rtx_ssrc` 0: nothing of it is sent again."""
    if terms is None:
        return None
    return Track(
        ssrc=ssrc,
        payload_type=terms.payload_type,
        rtx_ssrc=rtx_ssrc,
        rtx_payload_type=terms.rtx_payload_type if rtx_ssrc else None,
        first_rtx_sequence=first_rtx,
        abs_send_time_id=terms.abs_send_time_id,
        abs_capture_time_id=terms.abs_capture_time_id,
    )
