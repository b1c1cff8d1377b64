"""`./dev`'s commands for the measured Atelier: `python -m benchmarks.atelier up --data DIR`.

All is as shipped but two composition roots. The generator asks its worker for pictures of the size
that is measured; safety's judge approves at once, since the one that is shipped passes drawn
placeholders only. Where vendors are made to take their time, hooks and storage have roots of their
own too. Servers, streams, tables, runtime and handlers are the product's.
"""

import os
from dataclasses import replace

from deploy.local.__main__ import main
from deploy.local.blueprint import ATELIER, module

OURS = {
    "generator": True,
    "safety": True,
    "hooks": "BENCH_CAPTION_SECONDS" in os.environ,
    "storage": "BENCH_UPLOAD_SECONDS" in os.environ,
}
MEASURED = replace(
    ATELIER,
    services={
        name: module(f"benchmarks.atelier.{name}") if OURS.get(name) else command
        for name, command in ATELIER.services.items()
    },
    supervisor=module("benchmarks.atelier"),
)

if __name__ == "__main__":
    main(MEASURED)
