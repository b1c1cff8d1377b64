"""Start Redis, Postgres and five workers, and measure what they get done."""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks._figures import Table, percentile
from benchmarks._processes import ROOT, output_of, running
from benchmarks.atelier.usage import Meter, Spent, usage_by_name
from benchmarks.measures.rates import steady_rate
from benchmarks.provider.running import Provider
from deploy.local.postgres import EmbeddedPostgres

PACKAGES = ROOT / ".venv" / "benchmark-packages"
STEPS = ("generate", "caption", "moderate", "store", "persist")
SYNCS = ("always", "everysec")
"""How often Redis brings its journal to the disk: at every write as our broker does, or not."""

_MODULE = "benchmarks.peers.celery_atelier"
_START_LIMIT_S = 60.0
_WARM_UP_PIECES = 100
_SINGLES = 100
_NO_BROKER = "memory://"


class CannotRun(Exception):
    """Something is missing; the message says what to install and how."""


@dataclass(frozen=True, slots=True)
class CeleryFigures:
    """Pieces a second, how long one takes in idle workers, and what each part took."""

    pieces: int
    all_per_s: float
    steady_per_s: float
    p50_ms: float
    p99_ms: float
    spent: Spent

    @property
    def cpu_ms(self) -> float:
        """Processor time of a piece, in milliseconds, of all parts together."""
        return sum(usage.cpu_s for usage in self.spent.used.values()) / self.pieces * 1000

    def parts(self, title: str) -> Table:
        """Processor time of each step's worker, its child included, and of the servers."""
        rows = tuple(
            (name, (usage.cpu_s / self.pieces * 1000,)) for name, usage in self.spent.used.items()
        )
        return Table(title, ("CPU ms/piece",), rows)


@dataclass(frozen=True, slots=True)
class WorkFigures:
    """The steps one after the other in one process, without a queue: what is left is the work."""

    per_s: float
    cpu_ms: float


def check() -> None:
    """Raise CannotRun unless Redis and Celery are installed."""
    if shutil.which("redis-server") is None:
        raise CannotRun("install redis-server (Debian, Ubuntu: apt install redis-server)")
    if not (PACKAGES / "celery").is_dir():
        where = PACKAGES.relative_to(ROOT)
        pip = f"./dev python -m pip install --require-hashes --target {where}"
        raise CannotRun(f"install Celery: {pip} -r requirements/bench.txt")


async def measure_celery(
    briefs: Sequence[Mapping[str, Any]], pieces: int, worker: Provider, image_px: int, sync: str
) -> CeleryFigures:
    """Send single pieces through idle workers, then `pieces` of them at once.

    Raises CannotRun where something is missing.
    """
    check()
    async with AsyncExitStack() as stack:
        place = await _place(stack, briefs, worker, image_px)
        redis = stack.enter_context(_redis(place.directory, sync))
        address = f"redis+socket://{place.directory / 'redis.sock'}"
        environment = {**place.environment, "BENCH_REDIS_URL": address}
        pids = {
            step: stack.enter_context(_step(step, environment, place.directory)) for step in STEPS
        }
        pids |= {"postgres": place.postgres.pid, "redis": redis}
        await _asked(place, environment, "batches", _WARM_UP_PIECES)
        singles = await _asked(place, environment, "singles", _SINGLES)
        meter = Meter(lambda: usage_by_name(pids, with_children=pids))
        batches = await _asked(place, environment, "batches", pieces)
        return _figures(singles["orders"], batches["orders"], meter.spent())


async def measure_work(
    briefs: Sequence[Mapping[str, Any]], pieces: int, worker: Provider, image_px: int
) -> WorkFigures:
    """Do the steps of `pieces` pieces without a queue. Raises CannotRun where Celery is missing."""
    check()
    async with AsyncExitStack() as stack:
        place = await _place(stack, briefs, worker, image_px)
        environment = {
            **place.environment,
            "BENCH_REDIS_URL": _NO_BROKER,
            "BENCH_WITHOUT_QUEUE": "1",
        }
        pids = {"postgres": place.postgres.pid}
        meter = Meter(lambda: usage_by_name(pids, with_children=pids))
        told = await _asked(place, environment, "batches", pieces)
        spent = meter.spent()
    ends = [at for order in told["orders"] for at in order["persisted_at"]]
    return WorkFigures(
        per_s=len(ends) / (max(ends) - told["orders"][0]["ordered_at"]),
        cpu_ms=(told["cpu_s"] + spent.used["postgres"].cpu_s) / len(ends) * 1000,
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """A database of its own, a directory, and what programs have to know of both."""

    directory: Path
    postgres: EmbeddedPostgres
    environment: Mapping[str, str]
    briefs: Path


async def _place(
    stack: AsyncExitStack, briefs: Sequence[Mapping[str, Any]], worker: Provider, image_px: int
) -> _Place:
    directory = Path(stack.enter_context(TemporaryDirectory(prefix="atelier-celery-")))
    postgres = await stack.enter_async_context(EmbeddedPostgres(directory / "postgres"))
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT}:{PACKAGES}",
        "DATABASE_URL": postgres.dsn(),
        "BENCH_DATABASE_URL": postgres.dsn(),
        "BENCH_OBJECTS_DIR": str(directory / "objects"),
        "BENCH_WORKER_URL": worker.url,
        "BENCH_IMAGE_PX": str(image_px),
    }
    await output_of("services.ledger", "migrate", environment=environment)
    kept = directory / "briefs.json"
    kept.write_text(json.dumps(briefs))
    return _Place(directory, postgres, environment, kept)


async def _asked(
    place: _Place, environment: Mapping[str, str], way: str, count: int
) -> dict[str, Any]:
    client = (f"{_MODULE}.client", str(place.briefs), way, str(count))
    told: dict[str, Any] = json.loads(await output_of(*client, environment=environment))
    return told


def _figures(
    singles: Sequence[Mapping[str, Any]],
    batches: Sequence[Mapping[str, Any]],
    spent: Spent,
) -> CeleryFigures:
    took_ms = [(order["persisted_at"][0] - order["ordered_at"]) * 1000 for order in singles]
    heard = sorted(at for order in batches for at in order["persisted_at"])
    return CeleryFigures(
        pieces=len(heard),
        all_per_s=len(heard) / (heard[-1] - batches[0]["ordered_at"]),
        steady_per_s=steady_rate(heard),
        p50_ms=percentile(took_ms, 0.5),
        p99_ms=percentile(took_ms, 0.99),
        spent=spent,
    )


@contextmanager
def _redis(directory: Path, sync: str) -> Iterator[int]:
    """Redis on a socket in `directory`; gives its process id."""
    address = directory / "redis.sock"
    options = {
        "port": "0",
        "unixsocket": str(address),
        "dir": str(directory),
        "appendonly": "yes",
        "appendfsync": sync,
        "save": "",
        "daemonize": "no",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    command = ["redis-server", *arguments]
    with running(command, environment=os.environ, log_file=directory / "redis.log") as pid:
        _wait_for(lambda: _answers(address))
        yield pid


@contextmanager
def _step(step: str, environment: Mapping[str, str], directory: Path) -> Iterator[int]:
    """The worker of one step; gives its process id.

    With one process in its pool: a second made it slower on two cores.
    """
    command = [
        *(sys.executable, "-m", "celery", "--app", f"{_MODULE}.app", "worker"),
        *("--queues", step, "--hostname", f"{step}@%h", "--loglevel", "warning"),
        *("--pool", "prefork", "--concurrency", "1"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ]
    log_file = directory / f"{step}.log"
    with running(command, environment=environment, log_file=log_file) as pid:
        yield pid


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(address))
        except OSError:
            return False
    return True


def _wait_for(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + _START_LIMIT_S
    while not is_so():
        if time.monotonic() > give_up_at:
            raise CannotRun(f"Redis did not start within {_START_LIMIT_S:.0f} s")
        time.sleep(0.02)
