"""What every answer is made with: the ports and values, and who asks."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends, Path, Request

from services.gateway.domain.estimates import Rate
from services.gateway.domain.same_work import SameWork
from services.gateway.handler.answered import Answered
from services.gateway.handler.embedding_room import EmbeddingRoom
from services.gateway.handler.placed import Placed
from services.gateway.ports import (
    Ask,
    BrokerLink,
    Completions,
    Keys,
    Library,
    ObjectFiles,
    PassingBytes,
)
from shared.calls import OrderKey

LENT_AT_A_TIME = 8
"""Files of a remote store that pass through staging and this process at a time."""


@dataclass(frozen=True, slots=True)
class Door:
    """The front door's ports, its clock and ids, and the values that settings decide.

    `ask` bears with a service that restarts; `probe` wants to know how things are right now.
    `ordering` is what is being ordered by a key, of a tenant, at this moment, `answering` what is
    being answered. `lending` bounds how many files are fetched from storage at a time,
    `embedded` how much of files all answers hold.
    Base URLs have no slash at the end. Durations are seconds.
    """

    ask: Ask
    probe: Ask
    keys: Keys
    completions: Completions
    broker: BrokerLink
    library: Library
    files: ObjectFiles
    staging: PassingBytes
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    link_signing_key: bytes
    public_base_url: str
    objects_base_url: str
    rate: Rate
    generate_timeout_s: float = 30.0
    look_every_s: float = 2.0
    link_ttl_s: int = 3600
    health_cache_s: float = 2.0
    most_requests: int = 256
    uploads_enabled: bool = True
    ordering: SameWork[tuple[str, OrderKey], Placed] = field(default_factory=SameWork)
    answering: SameWork[tuple[str, OrderKey], Answered] = field(default_factory=SameWork)
    lending: asyncio.Semaphore = field(default_factory=partial(asyncio.Semaphore, LENT_AT_A_TIME))
    embedded: EmbeddingRoom = field(default_factory=EmbeddingRoom)

    def task_url(self, task_id: str) -> str:
        """Where clients follow a task."""
        return f"{self.public_base_url}/api/v1/content/tasks/{task_id}"


# Both are coroutines although nothing is waited for: the framework would run them in threads.
async def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def _tenant(request: Request) -> str:
    # Set from the API key before any route is reached.
    tenant: str = request.state.key.tenant
    return tenant


Open = Annotated[Door, Depends(_door)]
Tenant = Annotated[str, Depends(_tenant)]
Token = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
