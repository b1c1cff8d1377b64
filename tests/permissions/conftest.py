"""A broker with the real users, provisioned by its operator."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import nats
import pytest
from nats.aio.client import Client

from deploy.local.nats import EmbeddedNats
from deploy.local.nats_users import NatsUsers
from shared.permissions import inbox_of
from shared.provision import provision
from shared.topology import Topology
from tests.conftest import SMALL


@dataclass
class Visitor:
    """A connected user, and what the broker has refused it."""

    nc: Client
    inbox: str
    refusals: list[str] = field(default_factory=list)

    async def is_refused(self, act: Callable[[], object]) -> bool:
        """Whether the broker refuses what `act` sends."""
        self.refusals.clear()
        outcome = act()
        if asyncio.iscoroutine(outcome):
            await outcome
        # Twice: the first ping may overtake what the client still has to send.
        await self.nc.flush()
        await self.nc.flush()
        return bool(self.refusals)

    async def may_publish(self, subject: str, body: bytes = b"{}") -> bool:
        reply = f"{self.inbox}.nobody"
        return not await self.is_refused(lambda: self.nc.publish(subject, body, reply=reply))

    async def may_subscribe(self, subject: str) -> bool:
        async def subscribe() -> None:
            subscription = await self.nc.subscribe(subject)
            await self.nc.flush()
            await subscription.unsubscribe()

        return not await self.is_refused(subscribe)


Visit = Callable[[str], AbstractAsyncContextManager[Visitor]]


@dataclass(frozen=True)
class Guarded:
    """The broker, its users, and the names that are used there."""

    server: EmbeddedNats
    users: NatsUsers
    names: Topology

    @asynccontextmanager
    async def visit(self, user: str) -> AsyncIterator[Visitor]:
        refusals: list[str] = []

        async def note(exc: Exception) -> None:
            refusals.append(str(exc))

        nc = await nats.connect(
            self.server.url,
            nkeys_seed_str=self.users.seed(user),
            inbox_prefix=inbox_of(user),
            error_cb=note,
        )
        try:
            yield Visitor(nc, inbox_of(user), refusals)
        finally:
            await nc.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A broker of its own, with the users of the embedded mode."""
    root, names = tmp_path_factory.mktemp("guarded"), Topology()
    users = NatsUsers.kept_in(root / "users", names)
    server = EmbeddedNats(root / "nats", users=users.users)
    guarded = Guarded(server, users, names)

    async def start() -> None:
        await server.start()
        async with guarded.visit("operator") as operator:
            async for _ in provision(operator.nc.jetstream(), names, SMALL):
                pass
            assert not operator.refusals

    asyncio.run(start())
    yield guarded
    asyncio.run(server.stop())
