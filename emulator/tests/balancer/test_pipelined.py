"""Requests in one stream, strict and lenient ones mixed, which arrive in pieces of any size."""

import dataclasses
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.balancer.settings import DEFENSIVE, MONITOR, STRICTEST, BalancerSettings
from emulator.balancer.wire.reader import Message, RequestReader

STRICT = b"POST /%d HTTP/1.1\r\nHost: h\r\n"
LENIENT = [
    b"POST /%d HTTP/1.1\r\nHost: h\r\nName : v\r\n",
    b"POST  /%d HTTP/1.1\r\nHost: h\r\n",
    b"POST /%d HTTP/1.1\nHost: h\r\n",
]
CODED = b"Transfer-Encoding: chunked\r\n\r\n"
# (the rest of the request, its body)
BODIES = [
    (b"\r\n", b""),
    (b"Content-Length: 5\r\n\r\nab\r\n\r", b"ab\r\n\r"),
    (CODED + b"4\r\n\r\n\r\n\r\n0\r\nA: b\r\n\r\n", b"\r\n\r\n"),
    (CODED + b"0\r\n\r\n", b""),
    (CODED + b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", b"abc"),
    (b"Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 3\r\n\r\nxyz", b"xyz"),
]


class Reader(RequestReader):
    """Keeps what it reads."""

    def __init__(self, desync: str) -> None:
        self._memory = memoryview(bytearray(4096))
        chosen = dataclasses.replace(BalancerSettings(), desync=desync)
        super().__init__(chosen, self._memory, lambda: 0.0)
        self.read: list[Message] = []

    def _receive(self, message: Message) -> None:
        self._receiving = message
        self.read.append(message)

    def _received(self, message: Message) -> None: ...

    def _flush(self) -> None: ...

    def arrive(self, piece: bytes) -> None:
        self._memory[: len(piece)] = piece
        self.buffer_updated(len(piece))


def test_empty_lines_within_a_body_do_not_cut_it() -> None:
    reader = Reader(DEFENSIVE)
    reader.arrive(STRICT % 0 + CODED)
    body = b"400\r\n" + b"\r\n" * 512 + b"\r\n0\r\n\r\n"
    reader.arrive(body + LENIENT[0] % 1 + b"\r\n")
    first, second = reader.read
    assert b"".join(first.chunks) == b"\r\n" * 512
    assert len(first.chunks) == 2  # it may end behind the chunk's size, which looks like the last
    assert second.head is not None and second.head.target == "/1"


@given(st.sampled_from((DEFENSIVE, MONITOR, STRICTEST)), st.data())
def test_every_request_is_read_with_its_own_body_however_the_stream_is_cut(
    desync: str, data: Any
) -> None:
    heads = [STRICT] if desync == STRICTEST else [STRICT, *LENIENT]
    drawn = data.draw(
        st.lists(st.tuples(st.sampled_from(heads), st.sampled_from(BODIES)), max_size=5)
    )
    stream = b"".join(head % at + rest for at, (head, (rest, _)) in enumerate(drawn))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader = Reader(desync)
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        if begin < end:
            reader.arrive(stream[begin:end])
    read = [
        (each.head and each.head.target, b"".join(each.chunks), each.whole) for each in reader.read
    ]
    assert read == [(f"/{at}", body, True) for at, (_, (_, body)) in enumerate(drawn)]
