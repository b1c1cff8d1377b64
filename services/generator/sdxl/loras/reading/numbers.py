"""A file's numbers, each of them looked at."""

from io import BufferedReader

import torch

from services.generator.sdxl.loras.reading.header import Entry
from services.generator.sdxl.loras.refusals import shown, unusable

_LARGEST = torch.finfo(torch.float16).max


def matrix(file: BufferedReader, entry: Entry) -> torch.Tensor:
    """A tensor of the file, as the matrix it stands for. Raises NoPicture."""
    numbers = _read(file, entry)
    check(numbers, entry.name)
    return numbers.reshape(entry.shape[:2])


def number(file: BufferedReader, entry: Entry) -> float:
    """The one number that a tensor holds. Raises NoPicture."""
    numbers = _read(file, entry)
    check(numbers, entry.name)
    return float(numbers.item())


def check(numbers: torch.Tensor, name: str) -> None:
    """Refuse what is no number, or too large for an engine that computes in half precision."""
    low, high = (float(end) for end in torch.aminmax(numbers))
    if -_LARGEST <= low <= high <= _LARGEST:
        return
    finite = bool(torch.isfinite(numbers).all())
    what = f"values beyond {_LARGEST:.0f}" if finite else "NaN or infinite values"
    raise unusable(f"{shown(name)} holds {what}: the file is damaged.")


def _read(file: BufferedReader, entry: Entry) -> torch.Tensor:
    file.seek(entry.start)
    data = bytearray(entry.end - entry.start)
    if file.readinto(data) != len(data):
        raise unusable("The file ends before its last tensor: it was cut off.")
    return torch.frombuffer(data, dtype=entry.dtype)
