"""Writes the evidence of a small run: what a client, a provider and an anonymous reader see."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.e2e.system import System
from tests.verdict_keys import SIGNER

PROBE_EVERY_S = 0.05


class Notes:
    """Appends lines to the files of one directory of evidence."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._one_at_a_time = threading.Lock()
        self._began = time.time()
        directory.mkdir()

    def write(self, name: str, **line: object) -> None:
        """Append a line to `<name>.jsonl`, stamped with the time."""
        text = json.dumps({"at": time.time(), **line})
        with self._one_at_a_time, (self.directory / f"{name}.jsonl").open("a") as file:
            file.write(f"{text}\n")

    def keep(self, image: bytes) -> str:
        """Keep an image that was given, and tell its sha256."""
        sha256 = hashlib.sha256(image).hexdigest()
        images = self.directory / "images"
        images.mkdir(exist_ok=True)
        (images / sha256).write_bytes(image)
        return sha256

    def frame(self, data: Path, *, pieces: int) -> None:
        """Write `run.json`: the run is over."""
        run = {
            "seed": 0,
            "began": self._began,
            "ended": time.time(),
            "pieces": pieces,
            "data_dir": str(data),
            "deadline_s": 60,
            "verdict_public_keys": [SIGNER.public_key],
        }
        (self.directory / "run.json").write_text(json.dumps(run))


def order(system: System, notes: Notes, key: str | None, body: Mapping[str, Any]) -> str:
    """Order a batch, note the answer, and give the task's id."""
    headers = {} if key is None else {"Idempotency-Key": key}
    answer = system.client.post("/content/batch", json=body, headers=headers)
    task_id: str | None = answer.json().get("task_id")
    notes.write(
        "orders",
        key=key,
        body_sha256=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest(),
        status=answer.status_code,
        task_id=task_id,
        num_pieces=body["num_pieces"],
    )
    assert task_id is not None, answer.text
    return task_id


@contextmanager
def probing(system: System, notes: Notes) -> Iterator[None]:
    """Meanwhile somebody without a key asks for every object there is, whatever its area."""
    over = threading.Event()
    reader = threading.Thread(target=_probe, args=(system, notes, over), daemon=True)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()


def _probe(system: System, notes: Notes, over: threading.Event) -> None:
    objects, asked = system.data / "objects", set[str]()
    with httpx2.Client(base_url=system.endpoint["url"], trust_env=False) as anonymous:
        while not over.wait(PROBE_EVERY_S):
            # A walk passes over folders that are deleted meanwhile.
            for path in [Path(at) / name for at, _, names in os.walk(objects) for name in names]:
                key = path.relative_to(objects).as_posix().partition("/")[2]
                # Readable once is noted once; what is refused is asked for again and again.
                if key not in asked and _ask(anonymous, notes, f"/objects/{key}"):
                    asked.add(key)


def _ask(anonymous: httpx2.Client, notes: Notes, path: str) -> bool:
    try:
        answer = anonymous.get(path)
    except httpx2.TransportError:
        return False  # the door was away: nothing was shown
    shown = answer.status_code == 200
    notes.write(
        "probes",
        url=path,
        status=answer.status_code,
        bytes=len(answer.content),
        sha256=hashlib.sha256(answer.content).hexdigest() if shown else None,
        under_verdict=None,
    )
    return shown
