"""The command `atelier`."""

import asyncio
import os
import sys

import nats
import typer
from nats.errors import Error as NatsError
from rich.console import Console

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
    nats_url: str = typer.Option(..., envvar="NATS_URL", help="Address of the NATS server."),
    namespace: str = typer.Option("", envvar="NATS_NAMESPACE", help="Prefix of all names."),
    max_store_mb: int = typer.Option(
        0, help="Room on the broker in MiB; 0 asks for the usual limits."
    ),
) -> None:
    """Create streams, consumers and buckets on the broker; safe to run again."""
    limits = Limits() if not max_store_mb else Limits.within(max_store_mb * 2**20)
    try:
        count = asyncio.run(_provision(nats_url, Topology(namespace), limits))
    except (NatsError, OSError) as exc:
        console.print(f"provision failed: {type(exc).__name__}: {exc}", style="red")
        console.print("Is NATS_URL right, the server up, and JetStream enabled there?")
        raise typer.Exit(1) from exc
    console.print(f"{count} streams, consumers and buckets are in place.")


async def _provision(nats_url: str, topology: Topology, limits: Limits) -> int:
    nc = await nats.connect(nats_url, connect_timeout=5, max_reconnect_attempts=3)
    count = 0
    try:
        async for name in provision(nc.jetstream(), topology, limits):
            count += 1
            if sys.stdout.isatty() or "CI" in os.environ:
                console.print(f"  {name}", style="dim")
    finally:
        await nc.close()
    return count
