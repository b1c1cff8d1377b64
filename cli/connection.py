"""The connection of operators' commands to the broker."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import nats
import typer
from nats.aio.client import Client

from cli.output import complain
from shared.logs import mask
from shared.permissions import OPERATOR, inbox_of
from shared.settings import USER_SEED
from shared.topology import Topology

_CONNECT_TIMEOUT_S = 5

NatsUrl = Annotated[
    str, typer.Option("--nats-url", envvar="NATS_URL", help="Address of the NATS server.")
]
NatsSeed = Annotated[
    str | None,
    typer.Option(
        "--nats-nkey-seed",
        envvar="NATS_NKEY_SEED",
        help="Seed of the operator's nkey; better set in the environment than typed.",
        show_envvar=True,
    ),
]
Namespace = Annotated[
    str, typer.Option("--namespace", envvar="NATS_NAMESPACE", help="Prefix of all names.")
]


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is, who we are there, and which installation we mean."""

    url: str
    seed: str | None
    topology: Topology

    def __post_init__(self) -> None:
        if self.seed is not None and not USER_SEED.fullmatch(self.seed.strip()):
            raise typer.BadParameter("NATS_NKEY_SEED must be the seed of a user's nkey (SU…)")


@asynccontextmanager
async def connected(address: BrokerAddress) -> AsyncIterator[Client]:
    """A connection for one command. Raises nats' errors, and OSError, when it cannot be had."""
    seed = None if address.seed is None else address.seed.strip()
    nc = await nats.connect(
        address.url,
        nkeys_seed_str=seed,
        inbox_prefix=inbox_of(OPERATOR),
        connect_timeout=_CONNECT_TIMEOUT_S,
        max_reconnect_attempts=1,
        error_cb=_told_once(),
    )
    try:
        yield nc
    finally:
        await nc.close()


def _told_once() -> Callable[[Exception], Awaitable[None]]:
    """Tells each error once: those about permissions look like timeouts to who has asked."""
    told: set[str] = set()

    async def tell(exc: Exception) -> None:
        text = mask(str(exc) or type(exc).__name__)
        if text not in told:
            told.add(text)
            complain(f"the broker: {text}")

    return tell
