"""Small valid PNG files that differ by piece, and ruined ones (PNG specification, 3rd edition)."""

import struct
import zlib
from hashlib import sha256

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def picture(width: int, height: int, label: str) -> bytes:
    """Patches of two colours, chosen by `label`, which also stands in the file as a comment."""
    digest = sha256(label.encode()).digest()
    # Never dark, and never alike: an image that shows nothing counts as none.
    dark = bytes(0x40 | byte & 0x7F for byte in digest[:3])
    light = bytes(0x80 | byte for byte in digest[3:6])
    return _png(width, height, dark + light, digest[8:16], label)


def black(width: int, height: int, label: str) -> bytes:
    """A valid image that shows nothing."""
    return _png(width, height, bytes(6), bytes(8), label)


def truncated(width: int, height: int, label: str) -> bytes:
    """The first part of an image."""
    whole = picture(width, height, label)
    return whole[: len(whole) * 2 // 3]


def _png(width: int, height: int, palette: bytes, patches: bytes, label: str) -> bytes:
    # One bit a pixel over a palette of two colours: a megapixel in a few hundred bytes.
    header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", palette),
            _chunk(b"tEXt", b"Comment\x00" + label.encode("latin-1", "replace")),
            _chunk(b"IDAT", _pixels(width, height, patches)),
            _chunk(b"IEND", b""),
        )
    )


def _pixels(width: int, height: int, patches: bytes) -> bytes:
    """As many bands as `patches` has bytes; each bit of a byte is a patch of its band."""
    row_bytes = -(-width // 8)
    bands = [
        b"\x00" + bytes(0xFF * (bits >> (at * 8 // row_bytes) & 1) for at in range(row_bytes))
        for bits in patches
    ]
    rows = (bands[row * len(bands) // height] for row in range(height))
    return zlib.compress(b"".join(rows), level=1)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
