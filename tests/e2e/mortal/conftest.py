"""One Atelier with a paid worker, whose processes are killed by signals and at failpoints."""

from collections.abc import Iterator

import pytest

from tests.e2e.mortal.places import FIRST, PLACES
from tests.e2e.system import System
from tests.generator.worker_stub import Worker, running_worker
from tests.outages.rehearsal import Rehearsal, rehearsing


@pytest.fixture(scope="package")
def worker() -> Iterator[Worker]:
    with running_worker() as worker:
        yield worker


@pytest.fixture(scope="package")
def rehearsal(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    directory = tmp_path_factory.mktemp("mortal")
    with rehearsing(directory, worker, PLACES, FIRST, GENERATOR_CONCURRENCY="3") as rehearsal:
        yield rehearsal


@pytest.fixture
def system(rehearsal: Rehearsal, worker: Worker) -> System:
    """Every image costs, and is judged by a classifier that finds nothing."""
    worker.delay_s = lambda _: 0.0
    return rehearsal.system
