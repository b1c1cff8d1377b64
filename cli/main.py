"""The command `atelier`."""

import asyncio
import os
import sys

import typer
from nats.errors import Error as NatsError

from cli import (
    attempts,
    dead_letters,
    keys,
    moderation,
    providers,
    reviews,
    verdict_key,
    verify,
    worker,
)
from cli.connection import BrokerAddress, Namespace, NatsSeed, NatsUrl, connected
from cli.output import console, fail
from shared.logs import mask
from shared.provision import Limits, provision
from shared.topology import Topology

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Images of trained AI avatars: commands for users and operators.",
)
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(keys.app, name="keys")
app.add_typer(reviews.app, name="review")
app.add_typer(providers.app, name="providers")
app.add_typer(attempts.app, name="attempts")
app.command()(moderation.takedown)
app.command()(moderation.unfreeze)
app.command()(moderation.check)
app.command()(moderation.actions)
app.command()(verify.verify)
app.command()(worker.worker)
app.command("verdict-key", help=verdict_key.HELP)(verdict_key.verdict_key)


@app.command("provision")
def provision_command(
    nats_url: NatsUrl,
    nats_nkey_seed: NatsSeed = None,
    namespace: Namespace = "",
    max_store_mb: int = typer.Option(
        0, help="Room on the broker in MiB; 0 asks for the usual limits."
    ),
) -> None:
    """Create streams, consumers and buckets on the broker; safe to run again."""
    limits = Limits() if not max_store_mb else Limits.within(max_store_mb * 2**20)
    try:
        address = BrokerAddress(nats_url, nats_nkey_seed, Topology(namespace))
        count = asyncio.run(_provision(address, limits))
    except (NatsError, OSError) as exc:
        step = "Is NATS_URL right, the server up, JetStream on, the key an operator's?"
        fail(f"provision failed: {type(exc).__name__}: {mask(str(exc))}", next_step=step)
    console.print(f"{count} streams, consumers and buckets are in place.")


async def _provision(address: BrokerAddress, limits: Limits) -> int:
    count = 0
    async with connected(address) as nc:
        async for name in provision(nc.jetstream(), address.topology, limits):
            count += 1
            if sys.stdout.isatty() or "CI" in os.environ:
                console.print(f"  {name}", style="dim")
    return count
