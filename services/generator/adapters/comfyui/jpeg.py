"""The segments of a JPEG that make its picture (ITU-T T.81, annex B)."""

from collections.abc import Iterator

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_ALONE = frozenset(range(0xD0, 0xD8)) | {0x01}
_FILL = 0xFF
_APP0, _ADOBE = 0xE0, 0xEE
_PICTURE = frozenset(range(0xC0, 0xE0)) | {0x01, _FILL}  # tables, frames, scans


def stripped_jpeg(data: bytes) -> bytes:
    """Without EXIF, XMP, profiles, thumbnails, comments, and what follows the end.

    Raises ValueError for what is no whole JPEG.
    """
    out = bytearray(data[:2])
    for marker, start, end in _segments(data):
        if marker == _APP0 and data.startswith(b"JFIF\0", start + 4):
            out += _without_thumbnail(data[start:end])
        elif _is_picture(marker, data[start:end]):
            out += data[start:end]
    return bytes(out)


def _is_picture(marker: int, segment: bytes) -> bool:
    if marker == _ADOBE:
        # It says how colours are coded; of its own form it is 12 bytes long.
        return segment.startswith(b"Adobe", 4) and len(segment) == 16
    return marker in _PICTURE


def _without_thumbnail(segment: bytes) -> bytes:
    # Marker, length, JFIF, version, density: then the thumbnail's size, here 0 by 0.
    return segment[:2] + (16).to_bytes(2, "big") + segment[4:16] + b"\0\0"


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each, a scan with the coded picture that follows it."""
    at, marker = 2, _START
    while marker != _END:
        if at + 2 > len(data) or data[at] != 0xFF:
            raise ValueError("the JPEG is cut")
        marker = data[at + 1]
        end = _end_of(data, at, marker)
        if end > len(data):
            raise ValueError("the JPEG is cut")
        yield marker, at, end
        at = end


def _end_of(data: bytes, at: int, marker: int) -> int:
    if marker == _END or marker in _ALONE:
        return at + 2
    if marker == _FILL:
        return at + 1
    end = at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return _end_of_scan(data, end) if marker == _SCAN else end


def _end_of_scan(data: bytes, at: int) -> int:
    """Where the next marker stands. In coded data 0xFF is followed by 0 or a restart marker."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise ValueError("the JPEG is cut")
        if data[at + 1] != 0 and data[at + 1] not in _ALONE:
            return at
        at += 2
