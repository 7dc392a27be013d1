"""Requests of each class of http_desync_guardian, in the three modes of desync mitigation.

Sources: "Desync mitigation mode", user guide of Application Load Balancers, for what each mode does;
the classes and most of the requests are those of http_desync_guardian's own tests
(github.com/aws/http-desync-guardian, tests/*.yaml).
"""

import asyncio
import re
from typing import Any

import pytest
from tests.balancer.scene import Scene, balancing

from emulator.balancer.messages.head import Rejected
from emulator.balancer.messages.lenient import RawHead, read_raw
from emulator.balancer.wire.boundary import failed_at

ACCEPTABLE, AMBIGUOUS, SEVERE = "acceptable", "ambiguous", "severe"
UNCERTAIN, UNSUPPORTED = "uncertain", "unsupported"
MODES = ("monitor", "defensive", "strictest")
# (routed, both connections close after it)
DONE = {
    (ACCEPTABLE, "monitor"): (True, False),
    (ACCEPTABLE, "defensive"): (True, False),
    (ACCEPTABLE, "strictest"): (False, True),
    (AMBIGUOUS, "monitor"): (True, False),
    (AMBIGUOUS, "defensive"): (True, True),
    (AMBIGUOUS, "strictest"): (False, True),
    (SEVERE, "monitor"): (True, False),
    (SEVERE, "defensive"): (False, True),
    (SEVERE, "strictest"): (False, True),
    # Severe as well. AWS doesn't say where the body of such a request ends in the mode monitor: it
    # is rejected here in all of them; in monitor by 501 where the coding is what isn't supported.
    **{(kind, mode): (False, True) for kind in (UNCERTAIN, UNSUPPORTED) for mode in MODES},
}
POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"
CHUNKS = b"\r\n3\r\nabc\r\n0\r\n\r\n"
LINES = b"\r\n4\r\n\r\n\r\n\r\n0\r\nA: b\r\n\r\n"  # an empty one in its content, and a trailer
# (class, the request, a line that the target gets)
REQUESTS: dict[str, tuple[str, bytes, bytes]] = {
    "raw UTF-8 in the path": ("", "GET /ä?ö HTTP/1.1\r\nHost: h\r\n\r\n".encode(), "GET /ä?ö HTTP/1.1".encode()),
    "a bare LF after a header": (ACCEPTABLE, POST + b"A: b\nC: d\r\n\r\n", b"C: d"),
    "lines that end with LF": (ACCEPTABLE, b"GET /x HTTP/1.1\nHost: h\nA: b\n\n", b"A: b"),
    "a space before the colon": (ACCEPTABLE, POST + b"Name : v\r\n\r\n", b"Name : v"),
    "a control character in a value": (ACCEPTABLE, POST + b"A: b\x01c\r\n\r\n", b"A: b\x01c"),
    "a vertical tab in a value": (ACCEPTABLE, POST + b"A: b\x0bc\r\n\r\n", b"A: b\x0bc"),
    "DEL in a value": (ACCEPTABLE, POST + b"A: b\x7fc\r\n\r\n", b"A: b\x7fc"),
    "a control character in a name": (ACCEPTABLE, POST + b"\x01A: b\r\n\r\n", b"\x01A: b"),
    "a name that is not ASCII": (ACCEPTABLE, POST + "Näme: b\r\n\r\n".encode(), "Näme: b".encode()),
    "a space in the target": (ACCEPTABLE, b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /a b HTTP/1.1"),
    "version 1.2": (ACCEPTABLE, b"GET /x HTTP/1.2\r\nHost: h\r\n\r\n", b"GET /x HTTP/1.1"),
    "a space after the version": (ACCEPTABLE, b"GET /x HTTP/1.1 \r\nHost: h\r\n\r\n", b"GET /x HTTP/1.1"),
    "a length of 0 with GET": (ACCEPTABLE, b"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", b"Content-Length: 0"),
    "a length with GET": (AMBIGUOUS, b"GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", b"Content-Length: 3"),
    "chunks with HEAD": (AMBIGUOUS, b"HEAD /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, b"Transfer-Encoding: chunked"),
    "both lengths": (AMBIGUOUS, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, b"Transfer-Encoding: chunked"),
    "both, the other way": (AMBIGUOUS, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" + CHUNKS, b"Transfer-Encoding: chunked"),
    "the same length twice": (AMBIGUOUS, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", b"Content-Length: 3"),
    "the same length, written twice": (AMBIGUOUS, POST + b"Content-Length: 3\r\nContent-Length: 03\r\n\r\nabc", b"Content-Length: 3"),
    "a coding with a space": (AMBIGUOUS, POST + b"Transfer-Encoding : chunked\r\n\r\n", b"Transfer-Encoding : chunked"),
    "a coding with a control character": (AMBIGUOUS, POST + b"\x01Transfer-Encoding: chunked\r\n\r\n", b"\x01Transfer-Encoding: chunked"),
    "a coding with dotless i": (AMBIGUOUS, POST + "Transfer-Encodıng: chunked\r\n\r\n".encode(), "Transfer-Encodıng: chunked".encode()),
    "a length and one that looks like it": (SEVERE, POST + b"Content-Length : 3\r\nContent-Length: 0\r\n\r\n", b"Content-Length : 3"),
    "a length and one with an underscore": (SEVERE, POST + b"Content_Length: 3\r\nContent-Length: 0\r\n\r\n", b"Content_Length: 3"),
    "the same length and one that looks like it": (AMBIGUOUS, POST + b"Content_Length: 03\r\nContent-Length: 3\r\n\r\nabc", b"Content_Length: 03"),
    "no number where a length would be": (SEVERE, POST + b"Content_Length: x\r\n\r\n", b"Content_Length: x"),
    "an unknown coding in what looks like one": (SEVERE, POST + b"Transfer_Encoding: foo\r\n\r\n", b"Transfer_Encoding: foo"),
    "a coding and one that looks like it": (SEVERE, POST + b"Transfer-Encoding : chunked\r\nTransfer-Encoding: chunked\r\n" + CHUNKS, b"Transfer-Encoding : chunked"),
    "bytes over ASCII in a value": ("", POST + b"A: b\xe9\r\n\r\n", b"A: b\xe9"),
    "a folded header": (AMBIGUOUS, POST + b"A: b\r\n c\r\n\r\n", b" c: "),
    "a header that hides in a fold": (AMBIGUOUS, POST + b"A: b\r\n Content-Length: 3\r\n\r\n", b" Content-Length: 3"),
    "a folded Content-Type": ("", POST + b"Content-Type: a/b;\r\n c=d\r\n\r\n", b" c=d: "),
    "a folded Host": (AMBIGUOUS, b"GET /x HTTP/1.1\r\nHost: h\r\n i\r\nA: b\r\n\r\n", b"A: b"),
    "no name": (AMBIGUOUS, POST + b": b\r\nC: d\r\n\r\n", b"C: d"),
    "no colon": (AMBIGUOUS, POST + b"nonsense\r\nC: d\r\n\r\n", b"C: d"),
    "no target": (AMBIGUOUS, b"GET HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / HTTP/1.1"),
    "a control character in the target": (AMBIGUOUS, b"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /\x01 HTTP/1.1"),
    "a tab in the target": (AMBIGUOUS, b"GET /a\tb HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /a\tb HTTP/1.1"),
    "a fragment": ("", b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /a#b HTTP/1.1"),
    "a line that ends with LF behind the method": (AMBIGUOUS, b"GET\nHost: h\nConnection: keep-alive\n\n", b"GET / HTTP/1.1"),
    "an empty target": ("", b"GET  HTTP/1.1\r\nHost: h\r\n\r\n", b"GET / HTTP/1.1"),
    "two spaces before the target": (ACCEPTABLE, b"GET  /x HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /x HTTP/1.1"),
    "the last line ends with LF": (ACCEPTABLE, POST + b"A: b\r\n\n", b"A: b"),
    "a length without a hyphen": ("", POST + b"ContentLength: x\r\n\r\n", b"ContentLength: x"),
    "more letters than a length": ("", POST + b"Content-Length-2: x\r\n\r\n", b"Content-Length-2: x"),
    "a length in a fold and another": (SEVERE, POST + b"A: b\r\n Content-Length: 4\r\nContent-Length: 3\r\n\r\nabc", b"Content-Length: 3"),
    "a bad coding in a fold": (SEVERE, POST + b"A: b\r\n Transfer-Encoding: foo\r\n\r\n", b" Transfer-Encoding: foo"),
    "a bad value of what looks like a length, in HTTP/0.9": (AMBIGUOUS, b"GET /x\r\nHost: h\r\nConnection: keep-alive\r\nContent_Length: x\r\n\r\n", b"Content_Length: x"),
    "a NUL in a value": (SEVERE, POST + b"A: b\x00c\r\n\r\n", b"A: b\x00c"),
    "a NUL in a name": (SEVERE, POST + b"A\x00: b\r\n\r\n", b"A\x00: b"),
    "a CR in a value": (SEVERE, POST + b"A: b\rc\r\n\r\n", b"A: b\rc"),
    "a NUL in the target": (SEVERE, b"GET /\x00 HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /\x00 HTTP/1.1"),
    "two lengths": (UNCERTAIN, POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", b""),
    "a list of lengths": (UNCERTAIN, POST + b"Content-Length: 3, 3\r\n\r\nabc", b""),
    "a control character in a length": (UNCERTAIN, POST + b"Content-Length: 3\x11\r\n\r\nabc", b""),
    "a length over 64 bits": (UNCERTAIN, POST + b"Content-Length: 18446744073709551616\r\n\r\n", b""),
    "an unknown coding": (UNSUPPORTED, POST + b"Transfer-Encoding: xchunked\r\n" + CHUNKS, b""),
    "chunked twice": (UNSUPPORTED, POST + b"Transfer-Encoding: chunked, chunked\r\n" + CHUNKS, b""),
    "a control character in the coding": (UNSUPPORTED, POST + b"Transfer-Encoding: \x01chunked\r\n" + CHUNKS, b""),
    "a method that is no token": (UNCERTAIN, b"GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", b""),
    "a version that is none": (UNCERTAIN, b"GET / HTTPS/1.1\r\nHost: h\r\n\r\n", b""),
    "a path in the version's place": (UNCERTAIN, b"GET  /a\r\nHost: h\r\n\r\n", b""),
    "a path and a version in its place": (UNCERTAIN, b"GET  /a;HTTP/1.0\r\nHost: h\r\n\r\n", b""),
    "a NUL before the path": (UNCERTAIN, b"GET \x00/ HTTP/1.1\r\nHost: h\r\n\r\n", b""),
}  # fmt: skip
# Lines of a head whose fold continues what the target doesn't get from the client.
FOLDS = {
    "of a trace": b"Host: h\r\nAuthorization: a\r\nX-Amzn-Trace-Id: Root=1-2-3;\r\n Parent=4",
    "of Connection, before Host": b"Connection: close\r\n , te\r\nHost: h",
    "of no header": b" X: y\r\nHost: h",
    "of Host": b"Host: h\r\n\ti\r\n j",
    "of Expect": b"Host: h\r\nA: b\r\nExpect: 100-continue\r\n , c",
    "of a hop-by-hop header": b"Host: h\r\nA: b\r\nTE: trailers\r\n , c",
    "of a header that Connection names": b"Host: h\r\nConnection: c\r\nA: b\r\nC: d\r\n e",
    "of X-Forwarded-Port": b"Host: h\r\nA: b\r\nX-Forwarded-Port: 1\r\n 2",
    "of X-Forwarded-For": b"Host: h\r\nA: b\r\nX-Forwarded-For: 1.2.3.4\r\n , 5",
    "of a line without a colon": b"Host: h\r\nA: b\r\nnonsense\r\n c",
    "of a line without a name": b"Host: h\r\nA: b\r\n: c\r\n d: e",
    "of a length": b"Host: h\r\nA: b\r\nContent-Length: 0\r\n c: d",
    "of a length beside a coding": b"Host: h\r\nA: b\r\nContent-Length: 5\r\n c: d\r\nTransfer-Encoding: chunked",
}  # fmt: skip
LAST = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


async def respond(head: bytes, reader: asyncio.StreamReader, writer: Any) -> None:
    if found := re.search(rb"\r\nContent-Length: (\d+)\r\n", head):
        await reader.readexactly(int(found[1]))
    elif b"\r\nTransfer-Encoding: chunked\r\n" in head:
        await reader.readuntil(b"0\r\n\r\n")
    length = b"" if head.startswith(b"HEAD") else b"ok"
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + length)


async def check(scene: Scene, name: str, mode: str) -> None:
    kind, request, line = REQUESTS[name]
    routed, closes = DONE.get((kind, mode), (True, False))
    backend = scene.raw_backends[0]
    backend.heads.clear()
    responses = await scene.exchange(request + LAST)
    statuses = re.findall(rb"HTTP/1\.1 (\d{3})", responses)
    status = b"501" if (kind, mode) == (UNSUPPORTED, "monitor") else b"400"
    assert statuses == [b"200" if routed else status, *([] if closes else [b"200"])], name
    if not routed:
        assert not backend.heads, name
        return
    assert line in backend.heads[0].split(b"\r\n"), (name, backend.heads)
    assert (b"\r\nConnection: close\r\n" in backend.heads[0]) == closes, name


@pytest.mark.parametrize("mode", MODES)
def test_each_class_of_requests_gets_what_its_mode_says(mode: str) -> None:
    async def scenario() -> None:
        attributes = {"routing.http.desync_mitigation_mode": mode}
        async with balancing(attributes=attributes) as scene:
            await scene.add_raw("web", "a", respond)
            for name in REQUESTS:
                await check(scene, name, mode)

    asyncio.run(scenario())


@pytest.mark.parametrize("xff", ["append", "remove"])
def test_a_fold_does_not_continue_another_header_than_it_came_with(
    xff: str, subtests: pytest.Subtests
) -> None:
    async def scenario() -> None:
        attributes = {"routing.http.xff_header_processing.mode": xff}
        async with balancing(attributes=attributes) as scene:
            backend = await scene.add_raw("web", "a", respond)
            for name, lines in FOLDS.items():
                with subtests.test(name):
                    backend.heads.clear()
                    body = b"0\r\n\r\n" if b"chunked" in lines else b""
                    head = b"POST /x HTTP/1.1\r\n" + lines + b"\r\n\r\n"
                    await scene.exchange(head + body + LAST)
                    assert not re.search(rb"\n[ \t]", backend.heads[0])

    asyncio.run(scenario())


def test_a_fold_stays_with_the_header_that_it_came_with() -> None:
    async def scenario() -> None:
        attributes = {"routing.http.xff_header_processing.mode": "preserve"}
        async with balancing(attributes=attributes) as scene:
            backend = await scene.add_raw("web", "a", respond)
            await scene.exchange(POST + b"X-Forwarded-For: 1\r\n , 2\r\nA: b\r\n c\r\n\r\n" + LAST)
            assert b"\r\nX-Forwarded-For: 1\r\n , 2: \r\nA: b\r\n c: \r\n" in backend.heads[0]

    asyncio.run(scenario())


@pytest.mark.parametrize("request_", [b"GET /x HTTP/0.9\r\nHost: h\r\n\r\n", b"GET /x\r\n\r\n"])
def test_http_0_9_is_routed_and_the_connection_closes(request_: bytes) -> None:
    async def scenario() -> None:
        async with balancing() as scene:
            backend = await scene.add_raw("web", "a", respond)
            assert (await scene.exchange(request_ + LAST)).count(b"HTTP/1.1 200") == 1
            assert backend.heads[0].startswith(b"GET /x HTTP/1.1\r\n")

    asyncio.run(scenario())


def passes_however_it_is_cut(requests: list[bytes], step: int, **attributes: str) -> None:
    """Each request reaches the target once and in order, wherever the first read ends."""
    whole = b"".join(requests)
    expected = [each.split(b" ")[1].decode().strip("/") for each in [*requests, LAST]]

    async def scenario() -> None:
        async with balancing(attributes=attributes) as scene:
            backend = await scene.add_raw("web", "a", respond)
            for cut in range(0, len(whole), step):
                backend.heads.clear()
                reader, writer = await scene.connect()
                writer.write(whole[:cut])
                await asyncio.sleep(0.002)
                writer.write(whole[cut:] + LAST)
                responses = await reader.read(-1)
                writer.close()
                assert responses.count(b"HTTP/1.1 200 OK") == len(expected), cut
                seen = [head.split(b" ")[1].decode().strip("/") for head in backend.heads]
                assert seen == expected, cut

    asyncio.run(scenario())


def test_a_lenient_head_is_found_wherever_it_begins_and_however_it_is_cut() -> None:
    strict = b"POST /strict HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    chunked = b"POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + LINES
    lenient = b"POST /lenient HTTP/1.1\r\nHost: h\r\nName : v\r\nContent-Length: 3\r\n\r\nabc"
    passes_however_it_is_cut([strict, lenient, chunked, lenient, lenient, strict], 3)


def test_in_the_mode_strictest_compliant_requests_pass_however_they_are_cut() -> None:
    sized = b"POST /sized HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    chunked = b"POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" + LINES
    plain = b"GET /plain HTTP/1.1\r\nHost: h\r\n\r\n"
    mode = {"routing.http.desync_mitigation_mode": "strictest"}
    passes_however_it_is_cut([sized, plain, chunked, plain, plain, sized], 7, **mode)


def test_the_begin_of_a_failed_request_is_found_among_others() -> None:
    first = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    second = b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
    bad = b"GET / HTTP/1.1\r\nA : b\r\n\r\n"
    whole = b""
    for before, request in enumerate([first, second, first]):
        whole += request
        assert failed_at(whole + bad, before + 1) == len(whole)
    assert failed_at(bad, 0) == 0
    assert failed_at(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: a\r\n\r\n" + bad, 1) is None  # fmt: skip


def read(data: bytes, monitor: bool = False) -> RawHead | None:
    return read_raw(data, monitor=monitor)


def test_what_is_severe_is_rejected_before_the_head_is_whole() -> None:
    for begin in (b"\x16\x03\x01", b"GE(T", b"GET /\x00", b"GET / HTTP/1.1\r\nA: b\rc"):
        with pytest.raises(Rejected):
            read(begin)
    for begin in (
        b"",
        b"\r\n",
        b"GET",
        b"GET\r",
        b"GET / HTTP/1.1\r",
        b"GET / HTTP/1.1\r\nName : v\r\n",
    ):
        assert read(begin) is None


def test_a_header_that_is_invalid_is_dropped_where_the_attribute_says_so() -> None:
    async def scenario() -> None:
        attributes = {"routing.http.drop_invalid_header_fields.enabled": "true"}
        async with balancing(attributes=attributes) as scene:
            backend = await scene.add_raw("web", "a", respond)
            await scene.exchange(
                POST + b"Name : v\r\nA\x01: b\r\nC_D: e\r\nGood-1: f\r\n\r\n" + LAST
            )
            names = [line.partition(b":")[0] for line in backend.heads[0].split(b"\r\n")[1:-2]]
            assert b"Good-1" in names
            assert not {b"Name ", b"A\x01", b"C_D"} & set(names)

    asyncio.run(scenario())
