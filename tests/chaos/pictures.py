"""Small valid PNG files that differ by piece, and ruined ones (PNG specification, 3rd edition)."""

import struct
import zlib
from functools import lru_cache
from hashlib import sha256

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture(width: int, height: int, label: str) -> bytes:
    """One colour, chosen by `label`, which also stands in the file as a comment."""
    # Never dark: an all black image counts as none.
    colour = bytes(0x40 | byte for byte in sha256(label.encode()).digest()[:3])
    return _png(width, height, colour, label)


def black(width: int, height: int, label: str) -> bytes:
    """A valid image that shows nothing."""
    return _png(width, height, bytes(3), label)


def truncated(width: int, height: int, label: str) -> bytes:
    """The first part of an image."""
    whole = picture(width, height, label)
    return whole[: len(whole) * 2 // 3]


def _png(width: int, height: int, colour: bytes, label: str) -> bytes:
    # One bit a pixel over a palette of one colour: a megapixel in a few hundred bytes.
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", colour),
            _chunk(b"tEXt", b"Comment\x00" + label.encode("latin-1", "replace")),
            _chunk(b"IDAT", _pixels(width, height)),
            _chunk(b"IEND", b""),
        )
    )


@lru_cache(maxsize=64)
def _pixels(width: int, height: int) -> bytes:
    row = bytes(1 + -(-width // 8))
    return zlib.compress(row * height, level=1)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
