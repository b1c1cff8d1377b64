"""Where the auditor looks: the servers and the files of one Atelier."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

OPERATOR = "operator"
"""The broker's user that may look at every stream."""


class CannotJudge(Exception):
    """Something that a judgement needs cannot be read."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Addresses of one Atelier. Holds secrets: never printed.

    `nats_seed_file` is the operator's, or None for a broker without users. `door_url` and
    `api_key` may be None; then what the door shows is not compared.
    """

    database_url: str
    nats_url: str
    objects_dir: Path
    nats_seed_file: str | None = None
    namespace: str = ""
    door_url: str | None = None
    api_key: str | None = None

    def __repr__(self) -> str:
        return f"Servers(objects_dir={str(self.objects_dir)!r})"

    @classmethod
    def of(cls, data_dir: Path) -> Self:
        """Those of the Atelier that runs in `data_dir`. Raises CannotJudge if none does."""
        try:
            endpoint: dict[str, Any] = json.loads((data_dir / "endpoint.json").read_text())
        except (OSError, ValueError) as exc:
            raise CannotJudge(f"no Atelier runs in {data_dir}: {type(exc).__name__}") from exc
        return cls(
            database_url=endpoint["database_url"],
            nats_url=endpoint["nats_url"],
            objects_dir=data_dir / "objects",
            nats_seed_file=endpoint["nats_seed_files"].get(OPERATOR),
            door_url=endpoint["url"],
            api_key=endpoint["api_key"],
        )
