"""What the supervisor needs of an embedded server."""

from collections.abc import Awaitable
from typing import Protocol

from deploy.local.errors import CannotRun


class ServerFailed(CannotRun):
    """An embedded server could not be started; the message ends with its own words."""


class Server(Protocol):
    """A server that comes back under the same address when started again."""

    @property
    def running(self) -> bool:
        """Whether its process is alive."""

    @property
    def pid(self) -> int:
        """Its process id."""

    def start(self) -> Awaitable[None]:
        """Start and return when it answers; raises ServerFailed."""
