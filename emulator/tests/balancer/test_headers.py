"""What a load balancer adds to requests and takes out of them, header by header."""

import string
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rows import rows

from emulator.balancer.messages.head import Head, Rejected, query_pairs, read_block, read_head
from emulator.balancer.messages.headers import (
    Field,
    Peer,
    named_by_connection,
    outgoing_host,
    traced,
    values_of,
)
from emulator.balancer.messages.outgoing import forwarded_fields, request_head, response_head
from emulator.balancer.settings import BalancerSettings

OWN = "1-67891234-12456789abcdef0123456789"
PEER = Peer("198.51.100.7", 50_321, "http", 8080)


def fields(*pairs: tuple[str, str]) -> list[Field]:
    return [(name.lower(), name, value) for name, value in pairs]


def head(*pairs: tuple[str, str], url: str = "/", method: str = "GET") -> Head:
    block = read_block(fields(("Host", "example.com"), *pairs), BalancerSettings())
    return read_head(method, url, "1.1", False, True, block, BalancerSettings(), None)


def forwarded(head: Head, **settings: Any) -> list[tuple[str, str]]:
    """As a container gets it."""
    head.block.lines = ""
    lines = request_head(head, PEER, BalancerSettings(**settings), OWN).decode().split("\r\n")
    return [(name, value) for name, _, value in (line.partition(": ") for line in lines[1:-2])]


def test_a_function_gets_a_folded_line_only_with_the_header_that_it_continues() -> None:
    came = head(("A", "b"), (" c", ""), ("X-Amzn-Trace-Id", "Root=1-2-3;"), (" Parent=4", ""))
    sent = forwarded_fields(came, PEER, BalancerSettings(), OWN)
    assert [name for name, _ in sent if name in ("A", " c", " Parent=4")] == ["A", " c"]


@rows(
    ("mode", "port", "came", "goes"),
    [
        ("append", False, [], ["198.51.100.7"]),
        ("append", False, ["203.0.113.9"], ["203.0.113.9, 198.51.100.7"]),
        ("append", False, ["a", "b, c"], ["a, b, c, 198.51.100.7"]),
        ("append", True, ["a"], ["a, 198.51.100.7:50321"]),
        ("preserve", False, [], []),
        ("preserve", True, ["a", "b"], ["a", "b"]),
        ("remove", False, ["a"], []),
        ("remove", True, [], []),
    ],
)
def test_x_forwarded_for(mode: str, port: bool, came: Any, goes: Any) -> None:
    request = head(*(("X-Forwarded-For", hop) for hop in came))
    sent = forwarded(request, forwarded_for=mode, forwarded_client_port=port)
    assert [value for name, value in sent if name == "X-Forwarded-For"] == goes


def test_an_ipv6_address_stands_in_brackets_before_its_port() -> None:
    peer = PEER._replace(source_ip="2001:db8::1")
    settings = BalancerSettings(forwarded_client_port=True)
    sent = dict(forwarded_fields(head(), peer, settings, OWN))
    assert sent["X-Forwarded-For"] == "[2001:db8::1]:50321"


def test_protocol_and_port_are_the_load_balancers_own_whatever_came() -> None:
    sent = forwarded(head(("x-forwarded-proto", "https"), ("X-FORWARDED-PORT", "1")))
    assert [pair for pair in sent if pair[0].lower().startswith("x-forwarded-p")] == [
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Port", "8080"),
    ]


@pytest.mark.parametrize(
    ("port", "came", "goes"),  # the table under "Host header preservation"
    [
        (80, "example.com", "example.com"),
        (80, "example.com:80", "example.com"),
        (443, "Example.COM:8443", "example.com"),
        (8080, "example.com", "example.com:8080"),
        (8080, "example.com:8080", "example.com:8080"),
        (8080, "[2001:DB8::1]", "[2001:db8::1]:8080"),
        (8080, "[2001:db8::1]:9", "[2001:db8::1]:9"),
        (8080, "example.com:", "example.com:8080"),
        (8080, "[2001:db8::1]:", "[2001:db8::1]:8080"),
        (80, "example.com:", "example.com"),
    ],
)
def test_the_host_header(port: int, came: str, goes: str) -> None:
    assert outgoing_host(came, port) == goes


@pytest.mark.parametrize(
    ("url", "path", "host"),
    [
        ("/x", "/x", "B.example:9"),
        ("http://Dns_name/x", "/x", "Dns_name"),  # stands above the header's: RFC 9112, 3.2.2
        ("http://user@[::1]:80/x", "/x", "[::1]:80"),
    ],
)
def test_a_preserved_host_is_the_one_that_the_rules_saw(url: str, path: str, host: str) -> None:
    block = read_block(fields(("Host", "B.example:9")), BalancerSettings())
    request = read_head("GET", url, "1.1", False, True, block, BalancerSettings(), None)
    assert (request.path, request.host) == (path, host)
    sent = forwarded(request, preserve_host=True)
    assert [value for name, value in sent if name.lower() == "host"] == [host]
    sent = forwarded(request)
    written = host.lower() if ":" in host else f"{host.lower()}:8080"
    assert [value for name, value in sent if name.lower() == "host"] == [written]


HOSTS = [
    "h",
    "h:",
    "h:80",
    "a_b.example",
    "a%20b",
    "192.0.2.1:8080",
    "[2001:DB8::1]:9",
    "x!$&'()*+,;=~",
]
NO_HOSTS = [
    "a b",
    "h:80:80",
    "h:x",
    "h/x",
    "h?",
    "h#",
    "u@h",
    "[::1",
    "::1",
    "\xff",
    "a,b\t",
    '"h"',
]


@rows("host", HOSTS)
def test_what_a_host_may_be(host: str) -> None:
    assert read_block(fields(("Host", host)), BalancerSettings()).host == host


@rows("host", NO_HOSTS)
def test_a_host_that_is_none_is_rejected(host: str) -> None:
    with pytest.raises(Rejected) as rejected:
        read_block(fields(("Host", host)), BalancerSettings())
    assert rejected.value.status == 400


@pytest.mark.parametrize("url", ["http://h:80:80/", "http:///x", "http://u@/x", "http://a,b\xff/"])
def test_so_is_one_that_an_absolute_address_names(url: str) -> None:
    with pytest.raises(Rejected) as rejected:
        head(url=url)
    assert rejected.value.status == 400


@pytest.mark.parametrize(
    ("came", "goes"),  # "Request tracing for your Application Load Balancer"
    [
        (None, f"Root={OWN}"),
        ("Root=1-1-1", f"Self={OWN};Root=1-1-1"),
        ("Root=1-1-1;CalledFrom=app", f"Self={OWN};Root=1-1-1;CalledFrom=app"),
        ("Self=1-0-0;Root=1-1-1;CalledFrom=app", f"Self={OWN};Root=1-1-1;CalledFrom=app"),
        ("CalledFrom=app", f"Root={OWN};CalledFrom=app"),
        ("Self=1-0-0", f"Self={OWN}"),
        ("", f"Root={OWN}"),
    ],
)
def test_the_trace_header(came: str | None, goes: str) -> None:
    assert traced(None if came is None else [came], OWN) == goes


def test_a_large_head_gets_a_new_trace() -> None:
    for size, trace in ((7_000, f"Self={OWN};Root=1-1-1"), (7_200, f"Root={OWN}")):
        request = head(("X-Amzn-Trace-Id", "Root=1-1-1"), ("Cookie", "a" * (size - 59)))
        assert request.size == size
        assert dict(forwarded(request))["X-Amzn-Trace-Id"] == trace


def test_hop_by_hop_headers_stay_here_and_those_that_connection_names() -> None:
    request = head(
        ("Connection", "close, X-Mine, x-forwarded-for, Host"),
        ("Keep-Alive", "5"),
        ("TE", "trailers"),
        ("Proxy-Authorization", "secret"),
        ("Upgrade", "h2c"),
        ("X-Mine", "1"),
        ("X-Other", "2"),
    )
    assert [name for name, _ in forwarded(request)] == [
        "Host",
        "X-Other",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Forwarded-Port",
        "X-Amzn-Trace-Id",
    ]


def test_invalid_names_are_dropped_where_that_is_on() -> None:
    given = fields(("Host", "h"), ("under_score", "1"), ("dot.ted", "2"), ("Plain-1", "3"))
    for drops, names in ((True, ["Host", "Plain-1"]), (False, [name for _, name, _ in given])):
        settings = BalancerSettings(drop_invalid_headers=drops)
        assert [name for _, name, _ in read_block(given, settings).fields] == names


@rows(
    ("url", "path", "query", "sent"),
    [
        ("/", "/", [], "/"),
        ("/a%2Fb?", "/a%2Fb", [], "/a%2Fb?"),
        ("http://other/?", "/", [], "/?"),
        ("/a?b", "/a", [("b", "")], "/a?b"),
        ("/a?b=c=d&&%65=", "/a", [("b", "c=d"), ("%65", "")], "/a?b=c=d&&%65="),
        ("*", "*", [], "*"),
        ("http://other/a?b=1", "/a", [("b", "1")], "/a?b=1"),
        ("http://other", "/", [], "/"),
        ("http://other?b=1", "/", [("b", "1")], "/?b=1"),
        ("//double/slash", "//double/slash", [], "//double/slash"),
        ("/a?b=1#c", "/a", [("b", "1#c")], "/a?b=1#c"),
    ],
)
def test_the_target_is_split_and_not_decoded(url: str, path: str, query: Any, sent: str) -> None:
    read = head(url=url)
    assert (read.path, query_pairs(read.query)) == (path, query)
    assert request_head(read, PEER, BalancerSettings(), OWN).decode().split(" ")[1] == sent


def test_a_request_is_framed_by_what_was_parsed() -> None:
    for pairs, framing in (
        ([], b""),
        ([("Content-Length", "0")], b"Content-Length: 0\r\n"),
        ([("Content-Length", "007")], b"Content-Length: 7\r\n"),
        ([("Transfer-Encoding", "Chunked")], b"Transfer-Encoding: chunked\r\n"),
    ):
        request = head(*pairs, method="POST")
        sent = request_head(request, PEER, BalancerSettings(), OWN)
        assert sent.endswith(OWN.encode() + b"\r\n" + framing + b"\r\n")
        assert sent.count(b"Content-Length") + sent.count(b"Transfer-Encoding") == bool(framing)


def test_added_headers_take_the_place_of_the_responses_own_and_cookies_join_them() -> None:
    came = fields(
        ("X-A", "1"), ("x-a", "2"), ("Set-Cookie", "a=1"), ("Connection", "X-B"), ("X-B", "3")
    )
    added = [("X-A", "own"), ("Set-Cookie", "b=2")]
    written = response_head(200, "OK", came, values_of(came), added, "Content-Length: 0\r\n")
    assert written == (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-A: own\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n"
    )


# Alphabets that are written out: Hypothesis needs 2 s to find categories of characters.
TEXT = st.text("".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x100)))), max_size=20)
TOKEN = string.ascii_letters + string.digits + "!#$%&'*+.^_`|~-"
NAME = st.text(TOKEN, min_size=1, max_size=20)


@given(st.lists(st.tuples(NAME, TEXT), max_size=8))
def test_no_header_of_a_client_makes_a_second_request_or_another_host(
    pairs: Sequence[tuple[str, str]],
) -> None:
    try:
        request = head(*pairs, method="POST")
    except (Rejected, ValueError):  # a length that is no number never comes from the parser
        return
    sent = request_head(request, PEER, BalancerSettings(), OWN)
    lines = sent.decode("latin-1").split("\r\n")
    assert lines.count("") == 2
    assert sent.endswith(b"\r\n\r\n")
    names = [line.partition(":")[0].lower() for line in lines[1:-2]]
    for own in ("host", "x-forwarded-for", "x-forwarded-proto", "x-amzn-trace-id"):
        assert names.count(own) == 1
    assert names.count("content-length") + names.count("transfer-encoding") <= 1


def test_a_list_in_several_lines_is_one_list() -> None:
    for lines in (
        ["100-continue"],
        ["x", "100-Continue"],
        ["100-continue", "x"],
        ["x, 100-continue"],
    ):
        assert head(*(("Expect", line) for line in lines)).expects_continue, lines
    assert not head(("Expect", "100")).expects_continue
    for lines in (["close"], ["close", "X-A"], ["X-A", "Close"], ["X-A, close"]):
        assert "close" in named_by_connection({"connection": lines})
    block = read_block(
        fields(("Host", "h"), ("Upgrade", "a"), ("Upgrade", "websocket")), BalancerSettings()
    )
    upgrade = read_head("GET", "/", "1.1", True, True, block, BalancerSettings(), None)
    assert b"Upgrade: a, websocket\r\n" in request_head(upgrade, PEER, BalancerSettings(), OWN)
