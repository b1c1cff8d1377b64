"""Is it a safetensors file, and a LoRA? Told by its header, without reading a tensor."""

import json
import math
from pathlib import Path
from typing import Any

from .failures import LoraLoadFailed

_MOST_HEADER_BYTES = 100 * 2**20
_WIDTHS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1}

_ENDS_OF_MODULES = (
    ".lora_up.weight",
    "_lora.up.weight",
    ".lora_B.weight",
    ".lora.up.weight",
    ".lora_linear_layer.up.weight",
    ".lora_B.default.weight",
)


def modules_in(path: Path) -> int:
    """How many layers the LoRA in a file changes. Raises LoraLoadFailed for what is none."""
    names = _tensors(path)
    modules = sum(name.endswith(_ENDS_OF_MODULES) for name in names)
    if not modules:
        raise LoraLoadFailed("no LoRA in the file")
    return modules


def _tensors(path: Path) -> list[str]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_MOST_HEADER_BYTES, size - 8):
            raise LoraLoadFailed("not safetensors")
        header = _header(file.read(length))
    spans = sorted(_span(tensor) for name, tensor in header.items() if name != "__metadata__")
    at = 0
    for start, end in spans:
        if start != at:
            raise LoraLoadFailed("its tensors overlap or have gaps")
        at = end
    if at != size - 8 - length:
        raise LoraLoadFailed("the file is cut, or too long")
    return [name for name in header if name != "__metadata__"]


def _header(raw: bytes) -> dict[str, Any]:
    try:
        header = json.loads(raw)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise LoraLoadFailed("not safetensors")
    return header


def _span(tensor: Any) -> tuple[int, int]:
    try:
        start, end = tensor["data_offsets"]
        wanted = _WIDTHS[tensor["dtype"]] * math.prod(tensor["shape"])
    except (KeyError, TypeError, ValueError):
        raise LoraLoadFailed("a tensor of another kind") from None
    if not (isinstance(start, int) and isinstance(end, int)) or end - start != wanted or start < 0:
        raise LoraLoadFailed("a tensor of another size")
    return start, end
