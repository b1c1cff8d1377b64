"""The header of a safetensors file, read strictly: every byte belongs to exactly one tensor."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import torch

from services.generator.sdxl.loras.reading.container import other_kind
from services.generator.sdxl.loras.refusals import shown, unusable
from shared import strict_json

FLOATS: Mapping[str, torch.dtype] = {
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
# The form in which diffusers' conversion to kohya's names writes an alpha.
_WHOLE: Mapping[str, torch.dtype] = {"I64": torch.int64}

_PREFIX = 8
_METADATA = "__metadata__"
_MEMBERS = {"dtype", "shape", "data_offsets"}
_MOST_AXES = 5
_MOST_AXIS = 2**31


@dataclass(frozen=True, slots=True)
class Entry:
    """A tensor: what it is, and where its bytes lie, counted from the start of the file."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Header:
    """All tensors in the order of the file's header, and the texts its maker left."""

    entries: tuple[Entry, ...]
    metadata: Mapping[str, str]


def read_header(file: BinaryIO, size: int, most_bytes: int) -> Header:
    """Read the header of a file of `size` bytes. Raises NoPicture."""
    head = file.read(_PREFIX + 64)
    if head[_PREFIX : _PREFIX + 1] != b"{":
        kind = other_kind(head)
        raise unusable(f"The file is {kind or 'something else'}; only safetensors is read.")
    length = int.from_bytes(head[:_PREFIX], "little")
    if length > most_bytes:
        raise unusable(f"The header is longer than {most_bytes} bytes.")
    if length > size - _PREFIX:
        raise unusable("The file ends within its header: it was cut off.")
    file.seek(_PREFIX)
    return _parsed(file.read(length), _PREFIX + length, size)


def _parsed(text: bytes, begin: int, size: int) -> Header:
    try:
        value = strict_json.parse(text)
    except strict_json.StrictJsonError as exc:
        raise unusable(f"The header is damaged. {exc}: {shown(exc.place)}.") from None
    if not isinstance(value, dict):
        raise unusable("The header is damaged: it is no object.")
    metadata = _metadata(value.pop(_METADATA, {}))
    entries = tuple(_entry(name, described, begin) for name, described in value.items())
    if not entries:
        raise unusable("The file holds no tensors.")
    _check_layout(entries, begin, size)
    return Header(entries, metadata)


def _metadata(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise unusable("The header is damaged: its metadata is not texts by name.")
    return value


def _entry(name: str, described: Any, begin: int) -> Entry:
    if not isinstance(described, dict) or described.keys() != _MEMBERS:
        raise unusable(f"The header is damaged: {shown(name)} is not described as a tensor.")
    shape = _whole_numbers(name, described["shape"])
    dtype = _dtype(name, described["dtype"], shape)
    offsets = _whole_numbers(name, described["data_offsets"])
    if len(shape) > _MOST_AXES or any(axis > _MOST_AXIS for axis in shape) or len(offsets) != 2:
        raise unusable(f"The header is damaged: {shown(name)} has an impossible shape.")
    if 0 in shape:
        raise unusable(f"{shown(name)} is empty.")
    start, end = offsets
    if end - start != math.prod(shape) * dtype.itemsize:
        raise unusable(f"The header is damaged: {shown(name)} has not the bytes of its shape.")
    return Entry(name, dtype, shape, begin + start, begin + end)


def _dtype(name: str, value: Any, shape: tuple[int, ...]) -> torch.dtype:
    known = FLOATS if shape not in {(), (1,)} else {**FLOATS, **_WHOLE}
    if not isinstance(value, str) or value not in known:
        raise unusable(
            f"{shown(name)} is stored as {shown(str(value))}; {', '.join(FLOATS)} are read."
        )
    return known[value]


def _whole_numbers(name: str, value: Any) -> tuple[int, ...]:
    # A bool is an int to Python, but not to the format.
    if not isinstance(value, list) or any(type(one) is not int or one < 0 for one in value):
        raise unusable(f"The header is damaged: {shown(name)} has no proper numbers.")
    return tuple(value)


def _check_layout(entries: tuple[Entry, ...], begin: int, size: int) -> None:
    at = begin
    for entry in sorted(entries, key=lambda one: one.start):
        if entry.start != at:
            what = "overlaps another tensor" if entry.start < at else "leaves a gap before it"
            raise unusable(f"The header is damaged: {shown(entry.name)} {what}.")
        at = entry.end
    if at > size:
        raise unusable("The file ends before its last tensor: it was cut off.")
    if at < size:
        raise unusable(f"{size - at} bytes behind the last tensor belong to nothing.")
