"""A copy of the product in which single texts are exchanged."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.system import ROOT

PARTS = ("cli", "deploy", "services", "shared")


@dataclass(frozen=True, slots=True)
class Patch:
    """An exchange in one file; `old` must be there exactly once."""

    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """The text after the exchange. Raises ValueError when the product reads otherwise."""
        if (times := text.count(self.old)) != 1:
            raise ValueError(f"{self.file} has this text {times} times: {self.old!r}")
        return text.replace(self.old, self.new)


SOONER = Patch("shared/topology.py", "ack_wait_s: float = 12.0", "ack_wait_s: float = 3.0")
"""In every copy the broker loses patience sooner, so that tests of redelivery are short."""


def copy_product(target: Path, patches: Sequence[Patch]) -> Path:
    """Copy the product to `target` and exchange the texts."""
    for part in PARTS:
        shutil.copytree(ROOT / part, target / part)
    for patch in patches:
        path = target / patch.file
        path.write_text(patch.applied(path.read_text()))
    return target
