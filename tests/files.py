"""What lies below a directory while others write and delete there."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def files_below(root: Path) -> list[Path]:
    """Every file in any folder, sorted. What vanishes meanwhile is left out.

    `Path.rglob` raises where a folder is deleted under its feet; a walk passes over it.
    """
    found = (Path(at) / name for at, _, names in os.walk(root) for name in names)
    return sorted(path for path in found if path.is_file())


def contents_below(root: Path) -> Iterator[tuple[Path, bytes]]:
    """The same with their bytes."""
    for path in files_below(root):
        with contextlib.suppress(FileNotFoundError):
            yield path, path.read_bytes()
