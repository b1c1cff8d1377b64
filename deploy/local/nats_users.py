"""Users of the embedded broker: the seeds of their nkeys, and what each may do."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import nkeys

from deploy.local.nats_accounts import NatsUser
from deploy.local.private_files import write_private
from shared.permissions import (
    OPERATOR,
    OUTSIDE,
    SERVICES,
    Permissions,
    operator_permissions,
    outside_permissions,
    permissions_of,
)
from shared.topology import Topology

TENANT = "default"
"""Whose facts the other systems of an embedded Atelier write and follow."""


@dataclass(frozen=True, slots=True)
class NatsUsers:
    """All users, and the files that hold their seeds."""

    users: tuple[NatsUser, ...]
    seed_files: Mapping[str, Path]

    @classmethod
    def kept_in(cls, directory: Path, names: Topology) -> "NatsUsers":
        """The users whose seeds lie in `directory`; those that are missing are made."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        table = dict(_table(names))
        files = {name: directory / f"{name}.nk" for name in table}
        users = (
            NatsUser(name, _public_key(files[name]), permissions)
            for name, permissions in table.items()
        )
        return cls(tuple(users), files)

    def seed(self, name: str) -> str:
        """The secret half of a user's key."""
        return self.seed_files[name].read_text().strip()


def _table(names: Topology) -> Iterator[tuple[str, Permissions]]:
    for role in SERVICES:
        yield role.name, permissions_of(role, names)
    yield OPERATOR, operator_permissions(names)
    yield OUTSIDE, outside_permissions(TENANT, names)


def _public_key(seed_file: Path) -> str:
    if not seed_file.exists():
        seed = nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER)
        write_private(seed_file, seed + b"\n")
    pair = nkeys.from_seed(bytearray(seed_file.read_bytes().strip()))
    public: bytes = pair.public_key
    return public.decode()
