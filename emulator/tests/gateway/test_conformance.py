"""WebSocket frames byte by byte, case by case as Autobahn's suite has them, by its numbers.

https://github.com/crossbario/autobahn-testsuite: sections 1 to 7, 9 and 10; 12 and 13 are about
compression, which API Gateway has not. Where API Gateway is stricter than RFC 6455, its rule
stands: a frame has at most 32 KB, a message 128 KB (1009), and binary data is rejected (1003).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from tests.gateway.scene import running

TEXT, BINARY, CLOSE, PING, PONG, MORE = 1, 2, 8, 9, 10, 0
KB = 1024
UPGRADE = (
    "GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: chat.v1\r\n\r\n"
)
# What comes back: a message's text, ("pong", data), or the close code; None where the connection
# ends without one. A row's last item stands for the end unless it stays open.
Response = str | tuple[str, bytes] | int | None
Case = tuple[list[bytes], list[Response]]


def frame(opcode: int, data: bytes | str = b"", *, end: bool = True, rsv: int = 0) -> bytes:
    """Masked with zeros, which leaves the payload as it is."""
    payload = data.encode() if isinstance(data, str) else data
    head = bytes([end << 7 | rsv << 4 | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 65_536:
        head += struct.pack(">BH", 0x80 | 126, len(payload))
    else:
        head += struct.pack(">BQ", 0x80 | 127, len(payload))
    return head + bytes(4) + payload


def closing(code: int, reason: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason)


def octets(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def fragments(*parts: bytes | str, between: bytes = b"") -> list[bytes]:
    opcodes = [TEXT] + [MORE] * (len(parts) - 1)
    found = []
    for number, (opcode, part) in enumerate(zip(opcodes, parts, strict=True), 1):
        found += [frame(opcode, part, end=number == len(parts))]
        found += [between] * (number < len(parts) and bool(between))
    return found


END = closing(1000)


def data_messages() -> Iterator[tuple[str, Case]]:
    for number, size in enumerate((0, 125, 126, 127, 128, 32 * KB), 1):
        yield f"1.1.{number}", ([frame(TEXT, "*" * size), END], ["*" * size, 1000])
    yield "1.1.7 over 32 KB", ([frame(TEXT, "*" * 65_535)], [1009])
    yield "1.1.8 octets", ([*octets(frame(TEXT, "*" * 300)), END], ["*" * 300, 1000])
    yield "1.1.9 not masked", ([b"\x81\x02hi"], [1002])
    for number, size in enumerate((0, 125, 126, 128), 1):
        yield f"1.2.{number}", ([frame(BINARY, b"\xfe" * size)], [1003])


def pings_and_pongs() -> Iterator[tuple[str, Case]]:
    for number, data in enumerate((b"", b"hello", b"\x00\xff\xfe", b"\xfe" * 125), 1):
        yield f"2.{number}", ([frame(PING, data), END], [("pong", data), 1000])
    yield "2.5", ([frame(PING, b"\xfe" * 126)], [1002])
    yield "2.6", ([*octets(frame(PING, b"\xfe" * 125)), END], [("pong", b"\xfe" * 125), 1000])
    yield "2.7", ([frame(PONG), END], [1000])
    yield "2.8", ([frame(PONG, b"unasked"), END], [1000])
    yield "2.9", ([frame(PONG, b"unasked"), frame(PING, b"x"), END], [("pong", b"x"), 1000])
    many = [f"payload-{number}".encode() for number in range(10)]
    yield "2.10", ([*(frame(PING, each) for each in many), END], [*_pongs(many), 1000])
    chopped = [octet for each in many for octet in octets(frame(PING, each))]
    yield "2.11", ([*chopped, END], [*_pongs(many), 1000])


def _pongs(data: list[bytes]) -> list[Response]:
    return [("pong", each) for each in data]


def reserved_bits_and_opcodes() -> Iterator[tuple[str, Case]]:
    for rsv in range(1, 8):
        for opcode in (TEXT, PING, CLOSE):
            yield f"3.{rsv} opcode {opcode}", ([frame(opcode, b"hi", rsv=rsv)], [1002])
        yield (
            f"3.{rsv} continued",
            ([frame(TEXT, "a", end=False), frame(MORE, "b", rsv=rsv)], [1002]),
        )
    for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
        for data in (b"", b"hello"):
            yield (
                f"4 opcode {opcode}, {len(data)} bytes",
                ([frame(opcode, data), frame(PING)], [1002]),
            )


def fragmentation() -> Iterator[tuple[str, Case]]:
    for number, opcode in ((1, PING), (2, PONG)):
        yield f"5.{number}", ([frame(opcode, "a", end=False), frame(MORE, "b")], [1002])
    two = fragments("fragment1", "fragment2")
    yield "5.3", ([*two, END], ["fragment1fragment2", 1000])
    yield "5.4", ([b"".join(two), END], ["fragment1fragment2", 1000])
    yield "5.5", ([*octets(b"".join(two)), END], ["fragment1fragment2", 1000])
    within = fragments("fragment1", "fragment2", between=frame(PING, b"ping"))
    responses: list[Response] = [("pong", b"ping"), "fragment1fragment2", 1000]
    yield "5.6", ([*within, END], responses)
    yield "5.7", ([b"".join(within), END], responses)
    yield "5.8", ([*octets(b"".join(within)), END], responses)
    for number, end in ((9, True), (12, False)):
        alone = frame(MORE, "alone", end=end)
        yield f"5.{number}", ([alone, frame(TEXT, "hello")], [1002])
        yield f"5.{number + 1}", ([alone + frame(TEXT, "hello")], [1002])
        yield f"5.{number + 2}", ([*octets(alone), frame(TEXT, "hello")], [1002])
    # the connection has ended before a function could respond to the message before it
    stray = [frame(MORE, "alone", end=False), frame(TEXT, "x")]
    yield "5.15", ([b"".join([*two, *stray])], [1002])
    for number, end in ((16, False), (17, True)):
        yield (
            f"5.{number}",
            ([frame(MORE, "a", end=end), frame(TEXT, "b"), frame(MORE, "c")], [1002]),
        )
    yield "5.18", ([frame(TEXT, "a", end=False), frame(TEXT, "b")], [1002])
    several = fragments("1", "2", "3", "4", "5", between=frame(PING, b"x"))
    yield "5.19", ([*several, END], [*_pongs([b"x"] * 4), "12345", 1000])
    yield "5.20", ([b"".join(several), END], [*_pongs([b"x"] * 4), "12345", 1000])


# RFC 3629: what is UTF-8, and what is not; by Autobahn's sections.
GREETING = "Hello-µ@ßöäüàá-UTF-8!!".encode()
UTF_8 = {
    "6.5": ["κόσμε".encode()],
    "6.6": ["κόσ".encode()],
    "6.7": [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"],
    "6.9": [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"],
    "6.11": [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd"],
    "6.22": [b"\xef\xbf\xbe", b"\xf0\x9f\xbf\xbf", b"\xf3\xbf\xbf\xbe", b"\xf4\x8f\xbf\xbe"],
    "6.23": [b"\xef\xbf\xb9", b"\xef\xbf\xba", b"\xef\xbf\xbc"],
}
NOT_UTF_8 = {
    "6.3": ["κόσμε".encode() + b"\xed\xa0\x80edited"],
    "6.6": [b"\xce", b"\xce\xba\xe1", b"\xce\xba\xe1\xbd", b"\xce\xba\xe1\xbd\xb9\xcf"],
    "6.8": [b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"],
    "6.10": [b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"],
    "6.11": [b"\xf4\x90\x80\x80"],
    "6.12": [b"\x80", b"\xbf", b"\x80\xbf", b"\x80\xbf\x80\xbf\x80"],
    "6.13": [b"\xc0 \xc1 ", b"\xe0 \xe1 ", b"\xf0 \xf1 ", b"\xfc \xfd "],
    "6.14": [b"\xc0", b"\xe0\x80", b"\xf0\x80\x80", b"\xdf", b"\xef\xbf", b"\xf7\xbf\xbf"],
    "6.15": [b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80"],
    "6.16": [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"],
    "6.17": [b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xf8\x80\x80\x80\xaf"],
    "6.18": [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf"],
    "6.19": [b"\xc0\x80", b"\xe0\x80\x80", b"\xf0\x80\x80\x80"],
    "6.20": [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xbf\xbf"],
    "6.21": [b"\xed\xa0\x80\xed\xb0\x80", b"\xed\xaf\xbf\xed\xbf\xbf"],
}


def utf_8() -> Iterator[tuple[str, Case]]:
    yield "6.1.1", ([frame(TEXT), END], ["", 1000])
    yield "6.1.2", ([*fragments("", "", ""), END], ["", 1000])
    yield "6.1.3", ([*fragments("", "middle", ""), END], ["middle", 1000])
    yield "6.2.1", ([frame(TEXT, GREETING), END], [GREETING.decode(), 1000])
    yield "6.2.2", ([*fragments(GREETING[:12], GREETING[12:]), END], [GREETING.decode(), 1000])
    yield "6.2.3", ([*fragments(*octets(GREETING)), END], [GREETING.decode(), 1000])
    for section, texts in UTF_8.items():
        for number, text in enumerate(texts, 1):
            yield f"{section}.{number}", ([frame(TEXT, text), END], [text.decode(), 1000])
            split = fragments(*octets(text))
            yield f"{section}.{number} split", ([*split, END], [text.decode(), 1000])
    for section, texts in NOT_UTF_8.items():
        for number, text in enumerate(texts, 1):
            yield f"{section}.{number} not UTF-8", ([frame(TEXT, text)], [1007])
            yield f"{section}.{number} not UTF-8, split", (fragments(*octets(text), b""), [1007])


def closes() -> Iterator[tuple[str, Case]]:
    yield "7.1.1", ([frame(TEXT, "x"), END], ["x", 1000])
    yield "7.1.2", ([END, END], [1000])
    yield "7.1.3", ([END, frame(PING, b"late")], [1000])
    yield "7.1.4", ([END, frame(TEXT, "late")], [1000])
    # Autobahn wants 1000; websockets takes a close within a message for an error
    yield "7.1.5", ([frame(TEXT, "a", end=False), END, frame(MORE, "b")], [1002])
    yield "7.3.1", ([frame(CLOSE)], [1005])
    yield "7.3.2", ([frame(CLOSE, b"a")], [1002])
    yield "7.3.3", ([END], [1000])
    yield "7.3.4", ([closing(1000, b"Hello World!")], [1000])
    yield "7.3.5", ([closing(1000, b"*" * 123)], [1000])
    yield "7.3.6", ([closing(1000, b"*" * 124)], [1002])
    yield "7.5.1", ([closing(1000, "κόσμε".encode() + b"\xed\xa0\x80")], [1007])
    for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999):
        yield f"7.7 {code}", ([closing(code)], [code])
    for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65_535):
        yield f"7.9 {code}", ([closing(code)], [1002])


def limits_and_chops() -> Iterator[tuple[str, Case]]:
    whole = "*" * (128 * KB)
    for size in (64, 256, 1 * KB, 4 * KB, 16 * KB, 32 * KB):
        # a response of the functions may be 128 KB as well, and has the route's name besides
        parts = [whole[at : at + size] for at in range(0, 64 * KB, size)]
        yield (
            f"9.3 in frames of {size}",
            ([b"".join(fragments(*parts)), END], [whole[: 64 * KB], 1000]),
        )
    yield "9.1 over 128 KB", (fragments(*["*" * (32 * KB)] * 4, "*"), [1009])
    text = frame(TEXT, "*" * 4 * KB)
    for size in (64, 1460):
        chops = [text[at : at + size] for at in range(0, len(text), size)]
        yield f"9.5 in chops of {size}", ([*chops, END], ["*" * 4 * KB, 1000])
    many = [frame(TEXT, f"number {number}") for number in range(200)]
    yield "9.7", ([b"".join(many)], [f"number {number}" for number in range(200)])
    yield "10.1", ([*fragments(*[whole[:1300]] * 50), END], [whole[: 1300 * 50], 1000])


SECTIONS = {
    each.__name__: each
    for each in (
        data_messages,
        pings_and_pongs,
        reserved_bits_and_opcodes,
        fragmentation,
        utf_8,
        closes,
        limits_and_chops,
    )
}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_case_has_its_response(section: str) -> None:
    async def scenario() -> None:
        async with running(default=_echo) as scene:
            port = int(scene.provider.websocket_url.split(":")[2].split("/")[0])
            cases = dict(SECTIONS[section]())
            room = asyncio.Semaphore(16)

            async def responses(case: Case) -> list[Response]:
                async with room:
                    return await _exchange(port, *case)

            found = await asyncio.gather(*map(responses, cases.values()))
        wrong = {
            name: (response, case[1])
            for (name, case), response in zip(cases.items(), found, strict=True)
            if response != _expected(case)
        }
        assert wrong == {}

    asyncio.run(asyncio.wait_for(scenario(), 60))


async def _echo(event: dict[str, Any]) -> dict[str, Any]:
    """A response in any case: an empty one would not be sent."""
    return {"statusCode": 200, "body": "echo " + event["body"]}


def _expected(case: Case) -> list[Response]:
    """Functions run at the same time, so that the order of many responses is open."""
    responses = [f"echo {each}" if isinstance(each, str) else each for each in case[1]]
    return sorted(responses, key=_rank)


def _rank(response: Response) -> tuple[int, str]:
    """Control frames are in order among themselves."""
    return (
        (0, "")
        if isinstance(response, tuple)
        else (1, response)
        if isinstance(response, str)
        else (2, "")
    )


async def _exchange(port: int, chunks: list[bytes], expected: list[Response]) -> list[Response]:
    """What comes until the end. A close is sent after the responses to what was before it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(UPGRADE.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head, head
        responses: list[Response] = []
        texts = sum(isinstance(each, str) for each in expected)
        for chunk in chunks:
            if chunk == END:
                while sum(isinstance(each, str) for each in responses) < texts:
                    responses.append(await _next(reader))
            writer.write(chunk)
            if len(chunk) == 1:
                await writer.drain()
                await asyncio.sleep(0)
        while not responses or not (isinstance(responses[-1], int) or responses[-1] is None):
            if not isinstance(expected[-1], int) and len(responses) == len(expected):
                break
            responses.append(await _next(reader))
        return sorted(responses, key=_rank)
    finally:
        writer.close()


async def _next(reader: asyncio.StreamReader) -> Response:
    """A message, in as many frames as it comes: API Gateway's have at most 32 KB as well."""
    message = b""
    while True:
        part = await _frame(reader)
        if part is None:
            return None
        first, data = part
        assert len(data) <= 32 * KB
        if first & 0x0F == CLOSE:
            return struct.unpack(">H", data[:2])[0] if data else 1005
        if first & 0x0F == PONG:
            return "pong", data
        message += data
        if first & 0x80:
            return message.decode()


async def _frame(reader: asyncio.StreamReader) -> tuple[int, bytes] | None:
    try:
        first, size = await reader.readexactly(2)
        assert size < 0x80, "the server masks"
        if size == 126:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await reader.readexactly(8))
        data = await reader.readexactly(size)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    assert first & 0x70 == 0, "no extension was negotiated"
    return first, data
