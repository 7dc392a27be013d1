"""The sides of a picture, in a message or a file, as its header has them. Pure.

A few thousand bytes can decode to gigabytes of pixels, and a client decodes a picture as soon as it
is shown. So its sides are read from the header before anything decodes it. A header that a decoder
might read in another way than this reader is rejected.
"""

from __future__ import annotations

import base64
import re

LONGEST_PICTURE = 7_200  # characters of unpadded base64, of 5,400 bytes
LONGEST_SIDE = 512  # pixels
MOST_PIXELS = 1 << 26  # of a picture in a file: 256 MiB once it is decoded
# Segments, fill bytes and blocks that are read of a header: a file may consist of millions.
MOST_PARTS = 1_024

_FORM = re.compile("(/9j/|iVBORw0KGgo|UklGR)[A-Za-z0-9+/]*")  # JPEG, PNG, WebP
# Frame headers of JPEG: ITU-T T.81, table B.1, without DHT (C4), JPG (C8) and DAC (CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers without a length (T.81, B.1.1.4), the end of the image, and the start of its scan.
_NO_FRAME = frozenset({0x00, 0x01, *range(0xD0, 0xD8), 0xD8, 0xD9, 0xDA})


def parse_picture(value: object) -> str:
    """Raises TypeError or ValueError for a picture that no client draws."""
    if not isinstance(value, str):
        raise TypeError("not a picture")
    width, height = sides(value)
    if not (1 <= width <= LONGEST_SIDE and 1 <= height <= LONGEST_SIDE):
        raise ValueError(f"a picture of {width} x {height} pixels")
    return value


def sides(picture: str) -> tuple[int, int]:
    """Width and height in pixels. Raises ValueError for another form or a header without them."""
    if len(picture) > LONGEST_PICTURE or not _FORM.fullmatch(picture):
        raise ValueError("not of the form of a picture")
    return _sides(base64.b64decode(picture + "=" * (-len(picture) % 4)))


def may_be_drawn(content: bytes) -> bool:
    """Whether a file is a picture of at most MOST_PIXELS. Its bytes decide, as in a decoder, and
    not the type that its sender gives it."""
    try:
        width, height = _sides(content)
    except ValueError:
        return False
    return 1 <= width * height <= MOST_PIXELS


def _sides(data: bytes) -> tuple[int, int]:
    for begins, read in _READERS.items():
        if data.startswith(begins):
            try:
                return read(data)
            except IndexError:
                raise ValueError("a picture that ends in its header") from None
    raise ValueError("no picture")


def _png(data: bytes) -> tuple[int, int]:
    """IHDR is the first chunk (PNG specification, section 5.6)."""
    if data[8:16] != b"\0\0\0\rIHDR":
        raise ValueError("a PNG without header")
    return _big(data, 16, 4), _big(data, 20, 4)


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(MOST_PARTS):
        if data[at] != 0xFF:
            raise ValueError("a JPEG with bytes between its segments")
        if data[at + 1] == 0xFF:  # fill bytes may stand before a marker (T.81, B.1.1.2)
            at += 1
            continue
        marker, length = data[at + 1], _big(data, at + 2, 2)
        if marker in _FRAMES:
            return _big(data, at + 7, 2), _big(data, at + 5, 2)
        if marker in _NO_FRAME or length < 2:
            raise ValueError("a JPEG without a frame header")
        at += 2 + length
    raise ValueError("a JPEG of too many segments")


def _webp(data: bytes) -> tuple[int, int]:
    """By the first chunk (RFC 9649, sections 2.5 to 2.7; a key frame: RFC 6386, section 9.1)."""
    form, chunk = data[8:12], data[12:16]
    if form == b"WEBP" and chunk == b"VP8X":
        return _little(data, 24, 3) + 1, _little(data, 27, 3) + 1
    if form == b"WEBP" and chunk == b"VP8L" and data[20] == 0x2F:
        bits = _little(data, 21, 4)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if form == b"WEBP" and chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        return _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF
    raise ValueError("a WebP without header")


def _gif(data: bytes) -> tuple[int, int]:
    """The larger of the screen and the first image: browsers enlarge the one for the other
    (GIF89a specification, sections 18 and 20)."""
    width, height = _little(data, 6, 2), _little(data, 8, 2)
    at = 13 + _colours(data[10])
    in_extension = False
    for _ in range(MOST_PARTS):
        if in_extension:  # blocks that each begin with their length, up to one of none
            in_extension = data[at] != 0
            at += 1 + data[at]
        elif data[at] == 0x21:  # an extension, and its label
            in_extension = True
            at += 2
        elif data[at] == 0x2C:
            return max(width, _little(data, at + 5, 2)), max(height, _little(data, at + 7, 2))
        else:
            raise ValueError("a GIF without an image")
    raise ValueError("a GIF of too many blocks")


def _colours(flags: int) -> int:
    """Bytes of the table of colours behind the header."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


_READERS = {
    b"\xff\xd8\xff": _jpeg,
    b"\x89PNG\r\n\x1a\n": _png,
    b"RIFF": _webp,
    b"GIF87a": _gif,
    b"GIF89a": _gif,
}


def _big(data: bytes, at: int, size: int) -> int:
    return _number(data, range(at, at + size))


def _little(data: bytes, at: int, size: int) -> int:
    return _number(data, range(at + size - 1, at - 1, -1))


def _number(data: bytes, places: range) -> int:
    number = 0
    for place in places:
        number = number << 8 | data[place]
    return number
