"""Avatars: a LoRA file for each, and a server on this machine that has them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.sdxl.scale import Scale
from services.generator.sdxl.weights import Targets
from tests.generator.sdxl.tiny import make_lora

# What trainers change unless they are told otherwise, and what diffusers can swap in place.
_TRAINED = ("to_q", "to_k", "to_v", "to_out.0")


@dataclass(frozen=True, slots=True)
class Avatars:
    """Files by number, on the disk and at an address."""

    directory: Path
    url: str
    count: int

    def file(self, number: int) -> Path:
        """Where an avatar's file lies."""
        return self.directory / f"{number % self.count}.safetensors"

    def link(self, number: int) -> str:
        """Where it is fetched from."""
        return f"{self.url}/{number % self.count}.safetensors"


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


@contextmanager
def served_avatars(directory: Path, scale: Scale, targets: Targets) -> Iterator[Avatars]:
    """Write the files, and serve them until the block ends."""
    unet = {path: shape for path, shape in targets.unet.items() if path.endswith(_TRAINED)}
    trained = Targets(unet, ({}, {}))
    for number in range(scale.avatars):
        path = directory / f"{number}.safetensors"
        make_lora(
            path, seed=number, rank=scale.rank, text_encoders=False, strength=0.1, targets=trained
        )
    handler = partial(_Silent, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Avatars(directory, f"http://127.0.0.1:{server.server_port}", scale.avatars)
        server.shutdown()
