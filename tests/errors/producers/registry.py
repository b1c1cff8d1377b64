"""What is known about the ways to get codes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx2

from shared.problems import ProblemDetails
from shared.rpc import Call, Reply, Request
from shared.service import Service
from tests.gateway.conftest import World
from tests.ledger.books import Books

PREFIX = "/api/v1"
GENERATE = f"{PREFIX}/content/generate"
BATCH = f"{PREFIX}/content/batch"
HOOKS = f"{PREFIX}/content/hooks"
ORDER: dict[str, Any] = {"avatar_id": "ada", "num_pieces": 1}
PIECE: dict[str, Any] = {"avatar_id": "ada", "custom_prompt": "reading by a window"}


@dataclass(frozen=True, slots=True)
class RealLedger:
    """A front door that asks a real ledger over a real broker."""

    world: World
    books: Books
    service: Service

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        """Ask the ledger what is the ledger's, and the backend in memory everything else."""
        if call.name.startswith("ledger."):
            return await self.service.call(call, request, timeout_s=timeout_s)
        return await self.world.backend(call, request, timeout_s=timeout_s)

    def client(self, **changes: Any) -> httpx2.AsyncClient:
        """A client of this door with these changes."""
        return self.world.client(ask=self, **changes)


Act = Callable[[World], Awaitable[httpx2.Response]]
ActOnLedger = Callable[[RealLedger], Awaitable[httpx2.Response]]
ActInside = Callable[[RealLedger], Awaitable[ProblemDetails]]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a refusal says besides its code and status; None where it does not matter."""

    field: str | None = None
    detail: str | None = None


DOOR: dict[str, tuple[Act, Expected]] = {}
LEDGER: dict[str, tuple[ActOnLedger, Expected]] = {}
INSIDE: dict[str, ActInside] = {}


def at_the_door(
    code: str, *, field: str | None = None, detail: str | None = None
) -> Callable[[Act], Act]:
    """Register a way to get `code` from the HTTP application over services in memory."""

    def register(act: Act) -> Act:
        assert code not in DOOR
        DOOR[code] = (act, Expected(field, detail))
        return act

    return register


def from_the_ledger(
    code: str, *, field: str | None = None, detail: str | None = None
) -> Callable[[ActOnLedger], ActOnLedger]:
    """Register a way to get `code` from the HTTP application over a real ledger."""

    def register(act: ActOnLedger) -> ActOnLedger:
        assert code not in LEDGER
        LEDGER[code] = (act, Expected(field, detail))
        return act

    return register


def without_http(code: str) -> Callable[[ActInside], ActInside]:
    """Register a way to get `code` where no HTTP is spoken."""

    def register(act: ActInside) -> ActInside:
        assert code not in INSIDE
        INSIDE[code] = act
        return act

    return register
