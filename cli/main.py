"""The command `atelier`."""

import asyncio
import os
import sys

import typer
from nats.errors import Error as NatsError
from rich.console import Console

from cli.connection import BrokerAddress, Namespace, NatsSeed, NatsUrl, connected
from shared.provision import Limits, provision
from shared.topology import Topology

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Images of trained AI avatars: commands for users and operators.",
)
console = Console(highlight=False)


@app.callback()
def _root() -> None:
    """Keep `provision` a subcommand while it is the only one."""


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
        console.print(f"provision failed: {type(exc).__name__}: {exc}", style="red")
        console.print("Is NATS_URL right, the server up, and JetStream enabled there?")
        raise typer.Exit(1) from exc
    console.print(f"{count} streams, consumers and buckets are in place.")


async def _provision(address: BrokerAddress, limits: Limits) -> int:
    count = 0
    async with connected(address) as nc:
        async for name in provision(nc.jetstream(), address.topology, limits):
            count += 1
            if sys.stdout.isatty() or "CI" in os.environ:
                console.print(f"  {name}", style="dim")
    return count
