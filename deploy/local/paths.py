"""The data directory: what lies where, who may hold it, and its secrets."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.local.errors import CannotRun
from deploy.local.private_files import read_private_json, write_private, write_private_json

REPOSITORY = Path(__file__).resolve().parents[2]
CALLED_FROM = "ATELIER_CALLED_FROM"
DEFAULT_NAME = ".atelier"
MARKER = "atelier-data"
LAYOUT = "1"
_RANDOM_KEYS = ("link_signing_key", "safety_signing_key")


class NotOurs(CannotRun):
    """The directory holds something else, is not writable, or is of another layout."""


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The layout under one root; every path is absolute."""

    root: Path

    @classmethod
    def at(cls, given: Path | None) -> Self:
        """Resolve `--data`, relative to where the user called `./dev`; default `.atelier`."""
        if given is None:
            return cls(REPOSITORY / DEFAULT_NAME)
        caller = Path(os.environ.get(CALLED_FROM, os.curdir))
        return cls((caller / given.expanduser()).resolve())

    @property
    def postgres(self) -> Path:
        """Postgres' own directory."""
        return self.root / "postgres"

    @property
    def nats(self) -> Path:
        """The broker's configuration and store."""
        return self.root / "nats"

    @property
    def nats_users(self) -> Path:
        """The seeds of the broker's users, one file each."""
        return self.root / "nats-users"

    @property
    def objects(self) -> Path:
        """Delivered objects."""
        return self.root / "objects"

    @property
    def logs(self) -> Path:
        """One log file for each part."""
        return self.root / "logs"

    @property
    def lock_file(self) -> Path:
        """Locked by the supervisor for its whole life."""
        return self.root / "lock"

    @property
    def endpoint_file(self) -> Path:
        """Where a running Atelier is reached; only there while it runs."""
        return self.root / "endpoint.json"

    @property
    def running_file(self) -> Path:
        """What a supervisor has started, so that the next one finds what a crash left."""
        return self.root / "running.json"

    @property
    def secrets_file(self) -> Path:
        """Keys made at the first start."""
        return self.root / "secrets.json"

    def exists(self) -> bool:
        """Whether this is a data directory of ours."""
        return (self.root / MARKER).is_file()

    def create(self) -> None:
        """Make the directory, or take it as it is if it is ours; raises NotOurs."""
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self.exists() and any(self.root.iterdir()):
                raise NotOurs(
                    f"{self.root} is not empty and is no data directory of Atelier; "
                    "choose another with --data"
                )
            self._mark()
            for directory in (self.objects, self.logs):
                directory.mkdir(mode=0o700, exist_ok=True)
        except OSError as exc:
            raise NotOurs(
                f"{self.root} cannot be used as data directory: {exc.strerror}; "
                "choose another with --data"
            ) from exc

    def _mark(self) -> None:
        marker = self.root / MARKER
        if not marker.exists():
            write_private(marker, LAYOUT.encode())
        layout = marker.read_text().strip()
        if layout != LAYOUT:
            raise NotOurs(
                f"{self.root} has layout {layout}, this version reads layout {LAYOUT}; "
                "use the version that made it, or ./dev reset"
            )


@dataclass(slots=True)
class Secrets:
    """Keys of one data directory, kept in a file of mode 0600."""

    path: Path
    link_signing_key: str
    safety_signing_key: str
    api_keys: dict[str, str]  # by the database they were issued in

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the keys, making those that are missing."""
        kept = read_private_json(path) or {}
        made = {name: _text(kept.get(name)) or secrets.token_hex(32) for name in _RANDOM_KEYS}
        api_keys = kept.get("api_keys")
        loaded = cls(path, **made, api_keys=dict(api_keys) if isinstance(api_keys, dict) else {})
        if any(kept.get(name) != key for name, key in made.items()):
            loaded.save()
        return loaded

    def save(self) -> None:
        """Write the keys back, whole or not at all."""
        write_private_json(
            self.path,
            {name: getattr(self, name) for name in _RANDOM_KEYS} | {"api_keys": self.api_keys},
        )


def _text(kept: object) -> str:
    return kept if isinstance(kept, str) else ""
