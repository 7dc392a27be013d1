"""An animated PNG, made of PNG pictures of one size. No I/O.

It needs no encoder beside Python, and is shown where a picture is, as in a README. The chunks are
those of the PNG specification, third edition: acTL has the number of frames, fcTL for how long
one is shown, and fdAT has the data of all but the first (w3.org/TR/png-3, 11.3.6).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Frame(NamedTuple):
    """A PNG picture, and for how long it is shown."""

    picture: bytes
    milliseconds: int


def animated(frames: Sequence[Frame]) -> bytes:
    """The frames one after the other, again and again. Raises ValueError where pictures differ in
    size or in kind."""
    first = frames[0].picture
    header = _header(first)
    film = [SIGNATURE, _chunk(b"IHDR", header), _chunk(b"acTL", struct.pack(">II", len(frames), 0))]
    sequence = 0  # fcTL and fdAT are numbered together
    for frame in frames:
        if _header(frame.picture) != header:
            raise ValueError("the pictures of a film have one size and one kind")
        film.append(_chunk(b"fcTL", _control(sequence, header, frame.milliseconds)))
        sequence += 1
        for data in _data(frame.picture):
            if frame is frames[0]:
                film.append(_chunk(b"IDAT", data))
            else:
                film.append(_chunk(b"fdAT", struct.pack(">I", sequence) + data))
                sequence += 1
    return b"".join([*film, _chunk(b"IEND", b"")])


def _control(sequence: int, header: bytes, milliseconds: int) -> bytes:
    """The whole picture is replaced by the frame."""
    width, height = struct.unpack(">II", header[:8])
    return struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, milliseconds, 1000, 0, 0)


def _header(picture: bytes) -> bytes:
    return next(data for kind, data in chunks(picture) if kind == b"IHDR")


def _data(picture: bytes) -> list[bytes]:
    return [data for kind, data in chunks(picture) if kind == b"IDAT"]


def chunks(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of each chunk. Raises ValueError for what is no PNG."""
    if not picture.startswith(SIGNATURE):
        raise ValueError("that is no PNG picture")
    at = len(SIGNATURE)
    while at < len(picture):
        (length,) = struct.unpack_from(">I", picture, at)
        yield picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        at += 12 + length


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
