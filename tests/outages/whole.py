"""A whole Atelier to do harm to: a paid worker, a classifier that finds nothing, small images."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.gateway.adapters.template_file import TEMPLATES_FILE
from tests.e2e.system import System, running
from tests.generator.worker_stub import Worker
from tests.safety.tiny_models import write_lenient_classifier

IMAGE_PX = 512
"""The smallest that templates may ask for."""


@contextmanager
def whole_atelier(
    directory: Path,
    worker: Worker,
    *arguments: str,
    module: str = "tests.outages.atelier",
    **settings: str,
) -> Iterator[System]:
    """Start everything in `directory`, and stop it at the end."""
    usual = {
        "AI_IMAGE_PROVIDER": "modal_sdxl_lora",
        "MODAL_ENDPOINT_URL": worker.url,
        "MODAL_TIMEOUT_SECONDS": "5",
        "MODAL_RETRY_BACKOFF_BASE": "0.1",
        "SAFETY_JUDGES": "classifier",
        "SAFETY_CLASSIFIER_DIR": str(write_lenient_classifier(directory / "classifier")),
        "TEMPLATES_FILE": str(small_templates(directory)),
        "GENERATOR_CONCURRENCY": "8",
    }
    data = directory / "data"
    with running(data, *arguments, module=module, **(usual | settings)) as system:
        yield system


def small_templates(directory: Path) -> Path:
    """The product's templates for smaller images, in a file in this directory."""
    known = json.loads(TEMPLATES_FILE.read_text(encoding="utf-8"))
    for template in known["templates"]:
        template.update(width=IMAGE_PX, height=IMAGE_PX)
    path = directory / "templates.json"
    path.write_text(json.dumps(known), encoding="utf-8")
    return path
