"""The facts that were on the wire once, as files that never change.

`<fact>.v<version>.<edition>.json` says every field that the fact had at the time, the one that
ends in `.least.json` only those it had to say. A new optional field makes a new edition beside
the old ones; `python -m tests.contracts.write_golden` writes it.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs.pages.asyncapi.schemas import payload_of
from shared.content import Value
from shared.events import FACTS, Fact

DIRECTORY = Path(__file__).with_name("golden")
_NAME = re.compile(r"(?P<fact>[a-z.]+)\.v(?P<version>\d+)\.(?P<edition>\d+)(\.least)?")


@dataclass(frozen=True, slots=True)
class Golden:
    """One frozen fact."""

    path: Path

    @property
    def fact(self) -> type[Fact]:
        """The kind of fact it is."""
        wanted = f"{self._named('fact')}.v{self._named('version')}"
        [fact] = [known for known in FACTS if f"{known.NAME}.v{known.VERSION}" == wanted]
        return fact

    @property
    def model(self) -> type[Value]:
        """The class that reads it today."""
        return payload_of(self.fact)

    @property
    def edition(self) -> int:
        """Grows with every field that the fact has gained."""
        return int(self._named("edition"))

    @property
    def is_least(self) -> bool:
        """Whether it says only what it must."""
        return self.path.stem.endswith(".least")

    def read(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.path.read_text())
        return content

    def _named(self, group: str) -> str:
        match = _NAME.fullmatch(self.path.stem)
        if match is None:
            raise ValueError(f"{self.path.name} is not named like a golden file")
        return match[group]


def every_golden() -> list[Golden]:
    return [Golden(path) for path in sorted(DIRECTORY.glob("*.json"))]


def newest(fact: type[Fact]) -> Golden | None:
    """The last full edition of a fact; None if it has none yet."""
    editions = [one for one in every_golden() if one.fact is fact and not one.is_least]
    return max(editions, key=lambda one: one.edition, default=None)


def path_of(fact: type[Fact], edition: int, *, is_least: bool = False) -> Path:
    suffix = ".least" if is_least else ""
    return DIRECTORY / f"{fact.NAME}.v{fact.VERSION}.{edition}{suffix}.json"
