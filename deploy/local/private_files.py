"""Files that only their owner may read, replaced whole or not at all."""

import json
import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step, mode 0600."""
    descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(scratch).replace(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def write_private_json(path: Path, value: object) -> None:
    """Replace `path` by `value` as JSON in one step, mode 0600."""
    write_private(path, json.dumps(value, indent=2).encode() + b"\n")


def read_private_json(path: Path) -> dict[str, object] | None:
    """Read a JSON object; None when there is no such file or it holds something else."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    return value if isinstance(value, dict) else None
