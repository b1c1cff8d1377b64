"""Where a running Atelier is reached: `endpoint.json`, and the same as a small table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from rich.console import Console
from rich.markup import escape

from deploy.local.private_files import write_private_json


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Addresses and the key of a running Atelier; holds secrets."""

    url: str
    api_key: str
    nats_url: str
    nats_seed_files: dict[str, str]
    database_url: str
    data: str
    pids: dict[str, int]

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `asdict` gave; fields of a later version are ignored."""
        return cls(**{field.name: value[field.name] for field in fields(cls)})

    def write(self, path: Path) -> None:
        """Replace the file, mode 0600."""
        write_private_json(path, asdict(self))

    def print(self, console: Console) -> None:
        """Show what a person needs to begin."""
        processes = ", ".join(f"{name} {pid}" for name, pid in self.pids.items())
        rows = {
            "Atelier": self.url,
            "API key": self.api_key,
            "data": self.data,
            "processes": processes,
        }
        for label, value in rows.items():
            console.print(f"[bold]{label:<9}[/bold]  {escape(value)}", soft_wrap=True)
