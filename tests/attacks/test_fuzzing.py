"""Requests and frames drawn from the schemas, whole and damaged: no fault of ours comes of any, and
what is refused writes nothing.

`make attacks examples=2000` tries more of them than `make test`, by a seed that it prints.
"""

import os
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdas.api.call import Route
from lambdas.api.routes import ROUTES
from tests.attacks import aims, documents
from tests.attacks.world import Stored, World
from tests.support.examples import texts

EXAMPLES = int(os.environ.get("EXAMPLES", "6"))
# One world is enough for a few examples; many are tried by all of pytest-xdist's processes.
GROUPED = [] if "EXAMPLES" in os.environ else [pytest.mark.xdist_group("attacks")]
pytestmark = GROUPED
# Given examples, others are to be tried each time.
several = settings(max_examples=EXAMPLES, derandomize="EXAMPLES" not in os.environ, database=None)

QUERY = st.dictionaries(
    st.sampled_from(["after", "limit", "device", "cursor", "user"]),
    st.sampled_from(["0", "1", "-1", "999999999999", "1e9", "", "x", "é", "\0", "phone", "٣"])
    | texts(max_size=9),
    max_size=2,
)
SEGMENT = st.sampled_from([".", "..", "%00", "%ff", "x" * 65, "a#b", "%2F", "%0A"]) | texts(
    max_size=9
).map(lambda text: quote(text, safe=""))


@st.composite
def paths(draw: Any, route: Route, known: documents.Values) -> str:
    parts = []
    for part in route.path.split("/"):
        names = known.get(part.strip("{}"), []) if part.startswith("{") else []
        parts.append(draw(st.sampled_from(names) | SEGMENT) if names else part)
    return "/".join(parts)


@pytest.mark.parametrize("route", ROUTES, ids=aims.name_of)
def test_no_request_is_a_fault_of_ours(world: World, route: Route) -> None:
    known = aims.values(world, "member")
    body: st.SearchStrategy[bytes] = st.sampled_from([b"", b"{}", b"[", b"\xff"])
    if route.body:
        valid = documents.valid(aims.schema(f"rest/{route.body}.request"), known)
        body = documents.written(documents.changed(valid))

    before = _without_limits(world.stored())

    @several
    @given(paths(route, known), body, QUERY, st.sampled_from(["member", "stranger"]))
    def holds(path: str, raw: bytes, query: dict[str, str], who: str) -> None:
        with world.put_back():
            reply = world.api.request(
                route.method, path, raw=raw, query=query, user=world.names[who]
            )
            assert reply.status < 500, reply
            if reply.status >= 400:
                assert _without_limits(world.stored()) == before

    holds()


@pytest.mark.parametrize("action", aims.ACTIONS)
def test_no_frame_is_a_fault_of_ours(world: World, action: str) -> None:
    known = aims.values(world, "member")
    valid = documents.valid(aims.schema(f"client/{action}"), known)

    before = _without_limits(world.stored())

    @several
    @given(documents.written(documents.changed(valid)), st.sampled_from(["member", "stranger"]))
    def holds(raw: bytes, who: str) -> None:
        # API Gateway closes a connection with 1007 over what is not UTF-8
        text = raw.decode("utf-8", "replace")
        with world.put_back():
            response = world.frame(who, text, route=action)
            if response is not None:
                assert response.get("code") != "internal", response
                if response["type"] == "error":
                    assert _without_limits(world.stored()) == before

    holds()


def test_a_device_that_an_example_has_removed_is_there_for_the_next(world: World) -> None:
    before = _without_limits(world.stored())
    with world.put_back():
        body = {"device": "phone"}
        assert world.ask("stranger", "POST", "/api/sign-out", body).status == 200
    assert _without_limits(world.stored()) == before


def _without_limits(stored: Stored) -> Stored:
    """What counts attempts counts those that are refused, too."""
    return {key: value for key, value in stored.items() if "limit#" not in key[-1]}
