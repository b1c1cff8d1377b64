"""One Atelier with three generators of one permit each, and nobody who could judge."""

from collections.abc import Iterator

import pytest

from tests.e2e.system import System, running
from tests.generator.worker_stub import Worker, png, running_worker

GENERATORS = 3


@pytest.fixture(scope="package")
def images() -> Iterator[Worker]:
    with running_worker() as worker:
        yield worker


@pytest.fixture(scope="package")
def system(images: Worker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Every image costs, and waits for a person. Whoever waits for one waits ten seconds."""
    with running(
        tmp_path_factory.mktemp("held") / "data",
        "--scale",
        f"generator={GENERATORS}",
        AI_IMAGE_PROVIDER="modal_sdxl_lora",
        MODAL_ENDPOINT_URL=images.url,
        SAFETY_JUDGES="none",
        GENERATOR_CONCURRENCY="1",
        GENERATE_TIMEOUT_SECONDS="10",
    ) as system:
        yield system


@pytest.fixture
def worker(images: Worker) -> Worker:
    """The same for all; it answers at once, and always with the same image."""
    images.delay_s, images.image = lambda _: 0.0, png
    return images
