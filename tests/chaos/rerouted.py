"""Run one service whose broker and database are reached through the proxy.

`python -m tests.chaos.rerouted SERVICE`, started by the supervisor in place of the service. Where
broker and database really are is told to the proxy by the files that it reads.
"""

import os
import runpy
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from tests.chaos.proxy import upstream_file
from tests.chaos.schedule import NATS, POSTGRES

PROXY_DIRECTORY = "CHAOS_PROXY_DIRECTORY"
PROXY_NATS_PORT = "CHAOS_PROXY_NATS_PORT"


def reroute(environment: MutableMapping[str, str]) -> dict[str, str]:
    """Change the addresses in `environment` to the proxy's; give the real ones by route."""
    nats = urlsplit(environment["NATS_URL"])
    real = {NATS: f"{nats.hostname}:{nats.port}"}
    environment["NATS_URL"] = f"nats://127.0.0.1:{environment[PROXY_NATS_PORT]}"
    database = environment.get("DATABASE_URL")
    if database is not None:
        (directory,) = parse_qs(urlsplit(database).query)["host"]
        real[POSTGRES] = directory
        query = f"host={quote(environment[PROXY_DIRECTORY], safe='/')}"
        environment["DATABASE_URL"] = urlsplit(database)._replace(query=query).geturl()
    return real


def tell(directory: Path, real: Mapping[str, str]) -> None:
    """Write down where the routes lead, each file whole or not at all."""
    for route, address in real.items():
        file = upstream_file(directory, route)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(address, encoding="utf-8")
        part.replace(file)


if __name__ == "__main__":
    service = sys.argv.pop(1)
    tell(Path(os.environ[PROXY_DIRECTORY]), reroute(os.environ))
    runpy.run_module(f"services.{service}", run_name="__main__")
