"""The real worker on a model too small to draw: `python -m tests.generator.worker.tiny_worker`."""

import os
import runpy
import tempfile
from pathlib import Path

from tests.generator.sdxl.tiny import write_tiny

THREADS = "1"


def main() -> None:
    """Write the model, and be the worker until it ends. Settings come from the environment."""
    with tempfile.TemporaryDirectory(prefix="atelier-tiny-") as directory:
        os.environ |= tiny_settings(write_tiny(Path(directory)))
        runpy.run_module("services.generator.worker", run_name="__main__")


def tiny_settings(model: Path) -> dict[str, str]:
    """What makes a worker take this model."""
    return {
        "SDXL_MODEL": str(model),
        "SDXL_DEVICE": "cpu",
        "SDXL_DTYPE": "float32",
        "SDXL_TORCH_THREADS": os.environ.get("SDXL_TORCH_THREADS", THREADS),
        # For a look around: nobody's weights lie elsewhere.
        "SDXL_LORA_ALLOW_HTTP_LOOPBACK": "true",
    }


if __name__ == "__main__":
    main()
