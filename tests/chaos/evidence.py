"""What a run leaves behind for whoever judges it: files of JSON lines, each complete at once."""

import json
import time
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

ORDERS = "orders.jsonl"
PROVIDER = "provider.jsonl"
PROBES = "probes.jsonl"
FAULTS = "faults.jsonl"
RUN = "run.json"
IMAGES = "images"


class JsonLines:
    """Appends records to a file, each stamped with the time and flushed as one line."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")

    def write(self, **fields: object) -> None:
        """Append one record; `at` is in seconds since 1970."""
        self._file.write(json.dumps({"at": time.time(), **fields}) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def keep_image(directory: Path, image: bytes) -> str:
    """Keep what was given under its sha256, and tell that. Whoever compares needs the bytes."""
    digest = sha256(image).hexdigest()
    directory.mkdir(exist_ok=True)
    (directory / digest).write_bytes(image)
    return digest


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every record of a file; none where the file was never begun."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def write_run(evidence: Path, run: Mapping[str, object]) -> None:
    """Replace the description of the run."""
    (evidence / RUN).write_text(json.dumps(run, indent=1) + "\n", encoding="utf-8")
