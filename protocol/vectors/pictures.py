"""Vectors of pictures: what a client draws, and with which sides.

REAL are drawn by Chromium's canvas, 40 pixels wide and 30 high; the others are headers with the
sides in question, and have nothing to decode.
"""

from typing import Any

from protocol.vectors.values import unpadded

MOST = 5_400  # bytes
REAL = {
    "a PNG": (
        "iVBORw0KGgoAAAANSUhEUgAAACgAAAAeCAYAAABe3VzdAAAAXElEQVR4AezSwQkAIAwEQUkhVmL/2JVWEAjsJ5AVfOlB"
        "mFzcfV7nG6v5cUC6IAUVpAI0bwcVpAI0bwcVpAI0bwcVpAI0bwcVpAI0P6WD1CnPK5jb1F4UrDnlvz4AAAD//57DC2UA"
        "AAAGSURBVAMAitJVZUCf4KkAAAAASUVORK5CYII"
    ),
    "a JPEG": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4"
        "UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2Nj"
        "Y2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAeACgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAX/xAAUEAEA"
        "AAAAAAAAAAAAAAAAAAAA/8QAFgEBAQEAAAAAAAAAAAAAAAAAAAMG/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQAC"
        "EQMRAD8AkgINOAAAAAAAAAA//9k"
    ),
    "a WebP": (
        "UklGRkgAAABXRUJQVlA4IDwAAAAwAwCdASooAB4APtFmrFCoJaQipWgBABoJZwDE2A8KmggAAP7paQ5P0vf/xvH9yn+K"
        "fH3kcxJ5jA1wAAA"
    ),
    "a WebP without losses": "UklGRh4AAABXRUJQVlA4TBEAAAAvJ0AHAAdQjyKXp/+BiOh/AAA",
    "a WebP with alpha": (
        "UklGRnIAAABXRUJQVlA4WAoAAAAQAAAAJwAAHQAAQUxQSBAAAAABBxCzgggACeH/eDmi/ykFVlA4IDwAAAAwAwCdASoo"
        "AB4APtFmrFCoJaQipWgBABoJZwDE2A8KmggAAP7paQ5P0vf/xvH9yn+KfH3kcxJ5jA1wAAA"
    ),
}


def png(width: int, height: int) -> bytes:
    sides = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + sides + b"\x08\x06\0\0\0"


def jpeg(width: int, height: int, before: bytes = b"", frame: int = 0xC0) -> bytes:
    sides = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    header = (
        b"\xff" + bytes([frame]) + b"\0\x11\x08" + sides + b"\x03\x01\x11\0\x02\x11\x01\x03\x11\x01"
    )
    return b"\xff\xd8" + before + header


def webp(chunk: bytes, data: bytes) -> bytes:
    size = len(data).to_bytes(4, "little")
    return b"RIFF" + (12 + len(data)).to_bytes(4, "little") + b"WEBP" + chunk + size + data


def extended(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", b"\x10\0\0\0" + sides)


def lossless(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"/" + (width - 1 | height - 1 << 14).to_bytes(4, "little"))


def lossy(width: int, height: int) -> bytes:
    sides = width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return webp(b"VP8 ", b"\x30\x03\0\x9d\x01\x2a" + sides)


def segment(marker: int, data: bytes) -> bytes:
    return b"\xff" + bytes([marker]) + (len(data) + 2).to_bytes(2, "big") + data


def drawn() -> dict[str, tuple[bytes, int, int]]:
    """Pictures that a client draws, with their sides."""
    small = jpeg(160, 120)
    return {
        "the largest PNG": (png(512, 512), 512, 512),
        "the largest JPEG": (jpeg(512, 512), 512, 512),
        "the largest WebP": (lossy(512, 512), 512, 512),
        "the largest WebP without losses": (lossless(512, 512), 512, 512),
        "the largest WebP of the extended form": (extended(512, 512), 512, 512),
        "one pixel": (png(1, 1), 1, 1),
        "a progressive JPEG": (jpeg(160, 120, frame=0xC2), 160, 120),
        # as cameras write them: a smaller picture in front, with a header of its own
        "a JPEG with another one inside": (
            jpeg(160, 120, segment(0xE1, b"Exif\0\0" + jpeg(9_999, 9_999))),
            160,
            120,
        ),
        "a JPEG with fill bytes": (jpeg(160, 120, b"\xff" * 5), 160, 120),
        "a JPEG with its tables first": (jpeg(160, 120, segment(0xC4, b"\0" * 20)), 160, 120),
        "as many bytes as there may be": (small + bytes(MOST - len(small)), 160, 120),
        # a frame has two bits of scaling above its 14 bits of a side
        "a WebP that asks to be scaled": (lossy(160 | 1 << 14, 120 | 2 << 14), 160, 120),
    }


def not_drawn() -> dict[str, str]:
    small = jpeg(160, 120)
    wrong = {
        "a PNG as wide as a wall": png(513, 1),
        "a PNG as high as a tower": png(1, 513),
        "a PNG of four thousand million pixels": png(65_535, 65_535),
        "a PNG with a negative side": png(0xFFFF_FFFF, 1),
        "a PNG of no height": png(10, 0),
        "a PNG without header": png(10, 10)[:8] + b"\0\0\0\rIDAT" + bytes(20),
        "a PNG that ends in its header": png(10, 10)[:23],
        "a JPEG as wide as a wall": jpeg(513, 1),
        "a JPEG as high as a tower": jpeg(1, 65_535),
        "a progressive JPEG as wide as a wall": jpeg(513, 1, frame=0xC2),
        # T.81, B.2.5: the height follows after the scan
        "a JPEG whose height comes later": jpeg(10, 0),
        "a JPEG whose scan comes first": jpeg(10, 10, segment(0xDA, b"\0" * 8)),
        "a JPEG that begins twice": jpeg(10, 10, b"\xff\xd8"),
        "a JPEG with bytes between its segments": jpeg(10, 10, b"\0"),
        "a JPEG with a segment of no length": jpeg(10, 10, b"\xff\xe0\0\0"),
        "a JPEG that ends before its header": small[:2] + segment(0xE0, b"JFIF\0"),
        "a JPEG whose segment goes beyond its end": small[:2] + b"\xff\xe0\xff\xff" + small[2:],
        "a WebP as wide as a wall": lossy(513, 1),
        "a WebP of no width": lossy(0, 1),
        "a WebP that is no key frame": webp(b"VP8 ", b"\x31\x03\0\0\0\0" + bytes(20)),
        "a WebP without losses as high as a tower": lossless(1, 16_384),
        "a WebP of the extended form as wide as a wall": extended(1 << 24, 1),
        "a WebP that begins with something else": webp(b"EXIF", bytes(20)),
        "a RIFF that is a sound": b"RIFF" + bytes(4) + b"WAVEfmt " + bytes(20),
        "more bytes than there may be": small + bytes(MOST + 1 - len(small)),
    }
    texts = {
        "nothing": "",
        "an SVG": unpadded(b"<svg/>"),
        "a GIF": unpadded(b"GIF89a" + bytes(30)),
        "base64 that is padded": unpadded(small + b"\0") + "=",
        "base64 for URLs": unpadded(small) + "_-__",
        "base64 of no whole number of bytes": unpadded(small)[:24] + "A",
        "a line behind it": unpadded(small) + "\n",
    }
    return {what: unpadded(data) for what, data in wrong.items()} | texts


def gif(
    screen: tuple[int, int], image: tuple[int, int], before: bytes = b"", flags: int = 0
) -> bytes:
    little = [side.to_bytes(2, "little") for side in (*screen, *image)]
    table = bytes(3 << (flags & 7) + 1) if flags & 0x80 else b""
    header = b"GIF89a" + little[0] + little[1] + bytes([flags, 0, 0]) + table
    return header + before + b"\x2c\0\0\0\0" + little[2] + little[3] + b"\0"


def whole() -> dict[str, tuple[bytes, bool]]:
    """Files, and whether a client draws them."""
    comment = b"\x21\xfe\x03abc\x02de\0"
    return {
        "a PNG of as many pixels as there may be": (png(8_192, 8_192), True),
        "a PNG of some more": (png(8_192, 8_193), False),
        "a PNG of four thousand million pixels": (png(65_535, 65_535), False),
        "a long and narrow PNG": (png(1 << 26, 1), True),
        "a PNG of no height": (png(10, 0), False),
        "the JPEG of a camera": (jpeg(8_064, 6_048, segment(0xE1, b"Exif" + bytes(9_000))), True),
        "a JPEG as large as a JPEG gets": (jpeg(65_535, 65_535), False),
        "a WebP as large as a WebP gets": (lossy(16_383, 16_383), False),
        "a WebP of the extended form, larger still": (extended(1 << 24, 1 << 24), False),
        "a GIF": (gif((640, 480), (640, 480)), True),
        "a GIF with colours and a comment": (gif((640, 480), (9, 9), comment, 0xF7), True),
        "a GIF with a wide screen": (gif((65_535, 65_535), (1, 1)), False),
        "a GIF with an image beyond its screen": (gif((1, 1), (65_535, 65_535)), False),
        "the same behind a comment": (gif((1, 1), (65_535, 65_535), comment, 0x80), False),
        "a GIF that ends in a comment": (gif((9, 9), (9, 9), b"\x21\xfe\xff"), False),
        "a GIF without an image": (gif((9, 9), (9, 9))[:13] + b";", False),
        "a JPEG of as many segments as are read": (jpeg(9, 9, 1_023 * segment(0xE1, b"")), True),
        "a JPEG of one more": (jpeg(9, 9, 1_024 * segment(0xE1, b"")), False),
        "a JPEG of as many fill bytes": (jpeg(9, 9, 1_023 * b"\xff"), True),
        "a JPEG of one fill byte more": (jpeg(9, 9, 1_024 * b"\xff"), False),
        "a GIF of as many blocks": (
            gif((9, 9), (9, 9), b"\x21\xfe" + 1_021 * b"\1a" + b"\0"),
            True,
        ),
        "a GIF of one block more": (
            gif((9, 9), (9, 9), b"\x21\xfe" + 1_022 * b"\1a" + b"\0"),
            False,
        ),
        "a GIF of as many extensions": (gif((9, 9), (9, 9), 511 * b"\x21\xfe\0"), True),
        "a GIF of one extension more": (gif((9, 9), (9, 9), 512 * b"\x21\xfe\0"), False),
        "an SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", False),
        "a bitmap of Windows": (b"BM" + bytes(60), False),
        "nothing": (b"", False),
    }


def pictures() -> dict[str, Any]:
    real = [(what, picture, 40, 30) for what, picture in REAL.items()]
    headers = [(what, unpadded(data), *sides) for what, (data, *sides) in drawn().items()]
    good: list[dict[str, Any]] = [
        {"what": what, "picture": picture, "width": width, "height": height}
        for what, picture, width, height in real + headers
    ]
    bad = [{"what": what, "picture": picture} for what, picture in not_drawn().items()]
    files = [
        {"what": what, "content": unpadded(content), "drawn": is_drawn}
        for what, (content, is_drawn) in whole().items()
    ]
    return {"good": good, "bad": bad, "files": files}
