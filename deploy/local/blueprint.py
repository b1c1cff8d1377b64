"""The commands that make up a whole Atelier."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

DOOR = "gateway"
SERVICES = ("ledger", "generator", "hooks", "safety", "storage", DOOR)


def module(*arguments: str) -> tuple[str, ...]:
    """Give the command that runs a module with this interpreter."""
    return (sys.executable, "-m", *arguments)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """Commands by purpose; `services` by name, the one named `gateway` is the door."""

    services: Mapping[str, tuple[str, ...]]
    migrate: tuple[str, ...]
    provision: tuple[str, ...]
    issue_key: tuple[str, ...]  # prints one key on stdout
    supervisor: tuple[str, ...]  # our own command line, to go on in the background


ATELIER = Blueprint(
    services={name: module(f"services.{name}") for name in SERVICES},
    migrate=module("services.ledger", "migrate"),
    provision=module("cli", "provision"),
    issue_key=module("services.ledger", "issue-key", "--tenant", "default", "--name", "first"),
    supervisor=module("deploy.local"),
)
