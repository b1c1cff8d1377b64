"""The chunks of a WebP that make its picture (RFC 9649, section 2)."""

from collections.abc import Iterator

_HEADER_BYTES = 12
_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH"})
_ANIMATED = frozenset({b"ANIM", b"ANMF"})
_ALPHA_FLAG = 0x10


def stripped_webp(data: bytes) -> bytes:
    """Without EXIF, XMP, profiles, unknown chunks, and what follows the end.

    Raises ValueError for what is no whole WebP of one frame.
    """
    kept = bytearray()
    for kind, chunk in _chunks(data):
        if kind in _ANIMATED:
            raise ValueError("the WebP is animated")
        if kind == b"VP8X":
            kept += chunk[:8] + bytes([chunk[8] & _ALPHA_FLAG]) + chunk[9:]
        elif kind in _KEPT:
            kept += chunk
    return b"RIFF" + (len(kept) + 4).to_bytes(4, "little") + b"WEBP" + bytes(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise ValueError("the WebP is cut")
    at = _HEADER_BYTES
    while at < end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        after = at + 8 + size + size % 2
        # Some writers leave out the last chunk's padding.
        if at + 8 + size > end or size == 0:
            raise ValueError("the WebP is cut")
        yield data[at : at + 4], data[at : at + 8 + size] + b"\0" * (size % 2)
        at = after
