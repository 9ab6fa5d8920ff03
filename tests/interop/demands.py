"""The demands of RFC 9725 (WHIP), which draft-ietf-wish-whep repeats for WHEP, one check each."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from tests.interop.endpoint import FRAGMENT, ORIGIN, SDP, Endpoint, demand, ice, must


@must("RFC 9725 4.2", basic=True)
async def an_offer_is_answered_by_201_with_sdp_and_a_location(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        demand(session.reply.content_type == SDP, f"the answer is {session.reply.content_type}")
        demand(session.reply.text.startswith("v=0"), "the body is no SDP")
        demand(bool(session.reply.header("Location")), "Location is empty")


@must("RFC 9725 4.2", basic=True)
async def the_answer_has_the_other_direction(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        media = session.reply.text.split("m=")[1:]
        demand(len(media) == 2, f"{len(media)} media were answered to two")
        for section in media:
            refused = section.split()[1] == "0"
            demand(refused or f"a={endpoint.theirs}" in section, f"a section is not {endpoint.theirs}")


@must("RFC 8842 5.3, RFC 9725 4.4", basic=True)
async def actpass_is_answered_by_active_or_passive(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        setups = set(re.findall(r"a=setup:(\w+)", session.reply.text))
        demand(bool(setups) and setups <= {"active", "passive"}, f"setup is {setups}")


@must("RFC 8842 5.3")
async def passive_is_answered_by_active(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    body = offer.replace("a=setup:actpass", "a=setup:passive")
    reply = await endpoint.ask("POST", endpoint.url, body, Content_Type=SDP)
    demand(reply.status == 201, f"an offer with setup:passive was answered by {reply.status}")
    await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
    demand(set(re.findall(r"a=setup:(\w+)", reply.text)) == {"active"}, "the answer is not active")


@must("RFC 9725 4.4.1", basic=True)
async def media_are_bundled_and_multiplexed(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        demand("a=group:BUNDLE 0 1" in session.reply.text, "the answer does not bundle both media")
        demand(session.reply.text.count("a=rtcp-mux") >= 2, "a section lacks rtcp-mux")


@must("RFC 9725 4.3.1", basic=True)
async def the_answer_carries_every_candidate(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        demand("a=candidate:" in session.reply.text, "there is no candidate, and none can follow")


@must("RFC 9725 4.3.3")
async def the_session_has_a_strong_quoted_etag(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        etag = session.reply.header("ETag")
        demand(re.fullmatch(r'"[^"]+"', etag) is not None, f"ETag is {etag}")


@must("RFC 9725 4.2")
async def two_sessions_have_urls_and_credentials_of_their_own(endpoint: Endpoint) -> None:
    async with endpoint.session() as one:
        first = one
    async with endpoint.session() as other:
        demand(first.url != other.url, "two sessions share a URL")
        fragments = [re.findall(r"a=ice-ufrag:(\S+)", each.reply.text)[0] for each in (first, other)]
        demand(fragments[0] != fragments[1], "two sessions share ICE credentials")


@must("RFC 9725 5")
async def a_session_url_cannot_be_guessed(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        last = session.url.rstrip("/").rsplit("/", 1)[-1]
        demand(len(last) >= 16, f"its name has {len(last)} characters")


@must("RFC 9725 4.2", basic=True)
async def another_content_type_is_refused(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await endpoint.ask("POST", endpoint.url, offer, Content_Type="text/plain")
    demand(400 <= reply.status < 500, f"text/plain was answered by {reply.status}")


@must("RFC 9725 4.2", basic=True)
async def malformed_sdp_is_refused(endpoint: Endpoint) -> None:
    for body in ("", "hello", "v=0\r\n", "v=0\r\nm=video"):
        reply = await endpoint.ask("POST", endpoint.url, body, Content_Type=SDP)
        demand(400 <= reply.status < 500, f"{body!r} was answered by {reply.status}")


@must("RFC 9725 4.2")
async def an_offer_in_the_wrong_direction_is_refused(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    body = offer.replace(f"a={endpoint.ours}", f"a={endpoint.theirs}")
    reply = await endpoint.ask("POST", endpoint.url, body, Content_Type=SDP)
    if reply.status == 201:
        await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
    demand(400 <= reply.status < 500, f"a {endpoint.theirs} offer was answered by {reply.status}")


@must("RFC 9725 4.4.3, draft-ietf-wish-whep-04 406")
async def an_offer_without_a_known_codec_is_refused_or_countered(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    body = offer.replace("H264/90000", "X-NONE/90000")
    reply = await endpoint.ask("POST", endpoint.url, body, Content_Type=SDP)
    if reply.status == 201:
        await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
    demand(400 <= reply.status < 500, f"it was answered by {reply.status}")
    if reply.status == 406 and reply.content_type == SDP:
        demand("a=setup:actpass" in reply.text, "the counter-offer leaves no DTLS role to the player")
        demand("a=candidate:" in reply.text, "the counter-offer has no candidate")
        demand(bool(reply.header("Location")), "nowhere to send the answer")


@must("RFC 9725 4.7", basic=True)
async def nothing_goes_without_a_token(endpoint: Endpoint) -> None:
    if not endpoint.token:
        return
    offer, _ = endpoint.offer()
    reply = await endpoint.ask("POST", endpoint.url, offer, bearer=False, Content_Type=SDP)
    demand(reply.status in (401, 403), f"POST without a token was answered by {reply.status}")
    async with endpoint.session() as session:
        reply = await endpoint.ask("DELETE", session.url, bearer=False)
        demand(reply.status in (401, 403, 404), f"DELETE without a token was answered by {reply.status}")
        reply = await endpoint.ask(
            "PATCH", session.url, session.fragment(), bearer=False, Content_Type=FRAGMENT
        )
        demand(reply.status in (401, 403, 404, 405), f"PATCH without a token was answered by {reply.status}")


@must("RFC 9725 4.2", basic=True)
async def delete_ends_a_session_whatever_the_etag(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        reply = await endpoint.ask("DELETE", session.url, If_Match='"stale"')
        demand(reply.status in (200, 202, 204), f"DELETE was answered by {reply.status}")
        reply = await session.patch(session.fragment())
        demand(reply.status in (404, 410), f"after DELETE the session answers {reply.status}")


@must("RFC 9725 4.2")
async def options_says_what_can_be_posted(endpoint: Endpoint) -> None:
    reply = await endpoint.ask("OPTIONS", endpoint.url, bearer=False)
    demand(reply.status in (200, 204), f"OPTIONS was answered by {reply.status}")
    demand(SDP in reply.header("Accept-Post"), f"Accept-Post is {reply.header('Accept-Post')}")


@must("Fetch 3.2, RFC 9725 4.2")
async def a_page_of_another_origin_may_ask(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        for url, method in ((endpoint.url, "POST"), (session.url, "PATCH"), (session.url, "DELETE")):
            reply = await endpoint.ask(
                "OPTIONS", url, bearer=False, Origin=ORIGIN, Access_Control_Request_Method=method,
                Access_Control_Request_Headers="authorization,content-type,if-match",
            )  # fmt: skip
            demand(reply.status in (200, 204), f"the preflight of {method} was answered by {reply.status}")
            demand(reply.header("Access-Control-Allow-Origin") in ("*", ORIGIN), "the origin is not allowed")
            allowed = reply.header("Access-Control-Allow-Methods")
            demand("*" in allowed or method in allowed, f"{method} is not among {allowed}")
            headers = reply.header("Access-Control-Allow-Headers").lower()
            for name in ("authorization", "content-type", "if-match"):
                demand(name in headers, f"{name} is not among {headers}")


@must("Fetch 3.2, RFC 9725 4.2")
async def a_page_of_another_origin_sees_location_and_etag(endpoint: Endpoint) -> None:
    offer, _ = endpoint.offer()
    reply = await endpoint.ask("POST", endpoint.url, offer, Content_Type=SDP, Origin=ORIGIN)
    await endpoint.ask("DELETE", urljoin(endpoint.url, reply.header("Location")))
    exposed = reply.header("Access-Control-Expose-Headers").lower()
    for name in ("location", "etag", "link"):
        demand("*" in exposed or name in exposed, f"{name} is not among {exposed}")


@must("RFC 9725 4.6")
async def no_ice_server_is_told_to_a_preflight(endpoint: Endpoint) -> None:
    reply = await endpoint.ask(
        "OPTIONS", endpoint.url, bearer=False, Origin=ORIGIN, Access_Control_Request_Method="POST"
    )
    demand(not reply.has("Link") or "ice-server" not in reply.header("Link"), "TURN credentials for anybody")


@must("RFC 9725 4.2")
async def get_and_head_are_answered_by_2xx_without_a_body(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        for url in (endpoint.url, session.url):
            for method in ("GET", "HEAD"):
                reply = await endpoint.ask(method, url)
                demand(200 <= reply.status < 300, f"{method} was answered by {reply.status}")
                demand(reply.text == "", f"{method} has a body")


@must("RFC 9725 4.3.2")
async def candidates_may_follow_by_patch(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        reply = await session.patch(session.fragment(), If_Match=session.reply.header("ETag"))
        demand(reply.status == 204, f"a trickle was answered by {reply.status}")
        demand(not reply.has("ETag"), "a trickle must not change or repeat the ETag")


@must("what real clients send")
async def a_trickle_needs_no_if_match_and_takes_a_star(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        for headers in ({}, {"If_Match": "*"}):
            reply = await session.patch(session.fragment(), **headers)
            demand(reply.status == 204, f"a trickle with {headers} was answered by {reply.status}")


@must("RFC 9725 4.3.2")
async def a_stale_etag_is_412(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        reply = await session.patch(session.fragment(), If_Match='"another"')
        demand(reply.status == 412, f"a stale ETag was answered by {reply.status}")


@must("RFC 9725 4.3.1")
async def a_patch_of_another_type_or_shape_is_refused(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        reply = await session.patch(session.fragment(), Content_Type=SDP)
        demand(400 <= reply.status < 500, f"a PATCH of SDP was answered by {reply.status}")
        reply = await session.patch("a=ice-ufrag\r\nnonsense")
        demand(400 <= reply.status < 500, f"a malformed fragment was answered by {reply.status}")


@must("RFC 9725 4.3.3")
async def a_restart_is_200_with_new_credentials_and_a_new_etag(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        etag = session.reply.header("ETag")
        reply = await session.patch(session.fragment(ice()), If_Match="*")
        demand(reply.status == 200, f"a restart was answered by {reply.status}")
        demand(reply.content_type == FRAGMENT, f"the answer of a restart is {reply.content_type}")
        demand(reply.header("ETag") != etag, "the ETag is the old one")
        before = re.findall(r"a=ice-ufrag:(\S+)", session.reply.text)[0]
        after = re.findall(r"a=ice-ufrag:(\S+)", reply.text)
        demand(bool(after) and after[0] != before, "the ICE credentials are the old ones")
        stale = await session.patch(session.fragment(), If_Match=etag)
        demand(stale.status == 412, f"the old ETag was answered by {stale.status} after a restart")


@must("RFC 9110 15.5.6, RFC 9725 4.2")
async def other_methods_are_refused(endpoint: Endpoint) -> None:
    async with endpoint.session() as session:
        for url, method in ((endpoint.url, "PUT"), (endpoint.url, "DELETE"), (session.url, "PUT")):
            reply = await endpoint.ask(method, url)
            demand(reply.status == 405, f"{method} was answered by {reply.status}")
