"""The chunks of a PNG that make its picture (PNG, third edition, section 11)."""

from collections.abc import Iterator

_SIGNATURE_BYTES = 8
_FRAME_BYTES = 12  # length, type and checksum around a chunk's data

# Of the chunks that tell how colours are meant, those of a fixed form: they cannot hold a text.
_KEPT = {
    b"IHDR": 13,
    b"PLTE": None,
    b"IDAT": None,
    b"IEND": 0,
    b"tRNS": None,
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
}


def stripped_png(data: bytes) -> bytes:
    """Without text, EXIF, time, profiles, further frames, and what follows the end.

    Raises ValueError for what is no whole PNG.
    """
    out = bytearray(data[:_SIGNATURE_BYTES])
    for kind, chunk in _chunks(memoryview(data)):
        size = len(chunk) - _FRAME_BYTES
        if kind in _KEPT and _KEPT[kind] in (None, size):
            out += chunk
    return bytes(out)


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    at, kind = _SIGNATURE_BYTES, b""
    while kind != b"IEND":
        kind = bytes(data[at + 4 : at + 8])
        end = at + _FRAME_BYTES + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            raise ValueError("the PNG is cut")
        yield kind, data[at:end]
        at = end
