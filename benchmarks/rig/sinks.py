"""Viewers' sockets that cost nothing: the kernel drops the media and counts what it dropped.

A classic BPF filter on the socket refuses RTP and lets STUN, DTLS and RTCP in; the kernel counts each
refused datagram (SO_MEMINFO), so that neither the viewer's process nor a copy is in the figures.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from typing import Final

SO_ATTACH_FILTER: Final = 26
SO_MEMINFO: Final = 55
_DROPS_AT: Final = 8
_UDP_HEADER_BYTES: Final = 8  # a filter on a UDP socket sees it in front

# linux/filter.h, linux/bpf_common.h
_LOAD_BYTE, _AND, _JUMP_EQUAL, _JUMP_GREATER_EQUAL, _RETURN = 0x30, 0x54, 0x15, 0x35, 0x06
_ALL: Final = 0xFFFF


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    ]


_DROP_RTP: Final = (
    (_LOAD_BYTE, 0, 0, _UDP_HEADER_BYTES),
    (_AND, 0, 0, 0xC0),
    (_JUMP_EQUAL, 0, 5, 0x80),  # not RTP or RTCP (RFC 7983): accept
    (_LOAD_BYTE, 0, 0, _UDP_HEADER_BYTES + 1),
    (_AND, 0, 0, 0x7F),
    (_JUMP_GREATER_EQUAL, 0, 1, 64),
    (_JUMP_GREATER_EQUAL, 0, 1, 96),  # 64..95 is RTCP (RFC 5761 section 4): accept
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _ALL),
)


def drop_rtp(sink: socket.socket) -> None:
    """From now on the kernel drops and counts RTP on this socket."""
    program = (_Instruction * len(_DROP_RTP))(*[_Instruction(*line) for line in _DROP_RTP])
    described = struct.pack("HL", len(_DROP_RTP), ctypes.addressof(program))
    sink.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)


def dropped(sink: socket.socket) -> int:
    """How many datagrams the kernel has dropped on this socket (32 bits)."""
    return int(struct.unpack("9I", sink.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[_DROPS_AT])
