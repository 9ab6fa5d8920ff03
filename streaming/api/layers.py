"""WHEP's choice of layers (draft-ietf-wish-whep-02, layer selection): POST says which rendition one wants.

Our layers are the encodings of a simulcast, told by their rid in the `layers` event; there are no spatial
or temporal ones inside them, and their sizes are not known: a relay decodes nothing.
"""

from __future__ import annotations

import json
from typing import Any, Final

from aiohttp import web

from ..relay.relay import Relay
from ..relay.seated import Seated
from ..relay.telling import layers_of
from ..relay.viewer import Viewer
from .problems import Problem

EXTENSION: Final = "urn:ietf:params:whep:ext:core:layer"
WISH_BYTES_MAX: Final = 1024
UNKNOWN_HERE: Final = (
    "spatialLayerId",
    "temporalLayerId",
    "maxSpatialLayerId",
    "maxTemporalLayerId",
    "maxWidth",
    "maxHeight",
)


def link_of(location: str) -> str:
    """The Link header that offers the extension beside a session."""
    return f'<{location}/layer>; rel="{EXTENSION}"'


async def choose_layer(request: web.Request, relay: Relay, seated: Seated) -> web.Response:
    """200: from its next keyframe on the viewer gets that rendition, or without a rid what its path bears."""
    wish, viewer = await _wish(request), seated.peer
    program = relay.shows.programs.get(seated.show)
    if program is None or not isinstance(viewer, Viewer):
        raise Problem(404, "unknown_session", "the show is off air")
    media = wish.get("mediaId", str(seated.video_line))
    if str(media) != str(seated.video_line):
        raise Problem(422, "no_layers_there", f"the picture is the m-line {seated.video_line}")
    unknown = [name for name in UNKNOWN_HERE if wish.get(name) is not None]
    if unknown:
        raise Problem(422, "unsupported_layer", f"layers are told apart by their rid alone, not {unknown[0]}")
    rid = wish.get("rid")
    if rid is not None and rid not in {rung.name for rung in layers_of(program, relay.clock.now())}:
        raise Problem(422, "unknown_layer", "the program has no such layer just now")
    viewer.layer = rid
    return web.Response(status=200)


async def _wish(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    try:
        wish = json.loads(raw or b"{}") if len(raw) <= WISH_BYTES_MAX else None
    except ValueError:
        wish = None
    if not isinstance(wish, dict) or not isinstance(wish.get("rid", ""), str | None):
        raise Problem(400, "malformed_layer", "the body must be a JSON object, its rid a string")
    return wish
