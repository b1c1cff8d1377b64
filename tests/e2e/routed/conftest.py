"""One Atelier that knows many secrets: a worker with the avatars' weights, Replicate behind it."""

import asyncio
from collections.abc import Iterator

import pytest

from deploy.local.postgres import EmbeddedPostgres
from tests.e2e.routed.canaries import IN_URLS, SET
from tests.e2e.system import System, running
from tests.generator.replicate.stub import Replicate, replicate_stub
from tests.generator.worker_stub import PATH, Worker, running_worker
from tests.ledger.conftest import run_sql
from tests.safety.tiny_models import write_lenient_classifier


@pytest.fixture(scope="package")
def worker() -> Iterator[Worker]:
    with running_worker() as worker:
        yield worker


@pytest.fixture(scope="package")
def replicate() -> Iterator[Replicate]:
    with replicate_stub() as vendor:
        yield vendor


@pytest.fixture(scope="package")
def database(postgres_server: EmbeddedPostgres) -> str:
    """The address of a database, with a password in it; the server does not look at it."""
    asyncio.run(run_sql(postgres_server, "CREATE DATABASE secrets"))
    password = IN_URLS["password of DATABASE_URL"]
    return postgres_server.dsn("secrets").replace("@", f":{password}@", 1)


@pytest.fixture(scope="package")
def system(
    worker: Worker, replicate: Replicate, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[System]:
    """It says all it can in its logs."""
    directory = tmp_path_factory.mktemp("routed")
    query = IN_URLS["query of MODAL_ENDPOINT_URL"]
    with running(
        directory / "data",
        AI_IMAGE_PROVIDER="modal_sdxl_lora",
        AI_IMAGE_PROVIDER_FALLBACKS="replicate",
        DATABASE_URL=database,
        MODAL_ENDPOINT_URL=f"{worker.url.rstrip('/')}{PATH}?code={query}",
        MODAL_TIMEOUT_SECONDS="5",
        MODAL_MAX_RETRIES="0",
        REPLICATE_BASE_URL=replicate.base_url,
        REPLICATE_POLL_SECONDS="0.2",
        REPLICATE_TIMEOUT_SECONDS="10",
        REPLICATE_MAX_RETRIES="0",
        SAFETY_JUDGES="classifier",
        SAFETY_CLASSIFIER_DIR=str(write_lenient_classifier(directory / "classifier")),
        HOOK_PROVIDERS="templates",
        LOG_LEVEL="debug",
        **SET,
    ) as system:
        yield system


@pytest.fixture(autouse=True)
def _well(worker: Worker, replicate: Replicate) -> None:
    worker.answers.clear()
    worker.delay_s = lambda _: 0.0
    replicate.states, replicate.faults, replicate.always = [], {}, {}
