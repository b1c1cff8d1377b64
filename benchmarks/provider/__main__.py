"""The stub worker's process: `python -m benchmarks.provider --port-file F --image 64`."""

import argparse
import asyncio
from pathlib import Path

from benchmarks.provider.image import SMALL_PX, png
from benchmarks.provider.worker import Worker


def main() -> None:
    """Serve on a free port, told in the port file, until killed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.provider", description=__doc__)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--image", type=int, default=SMALL_PX, help="pixels of a side")
    parser.add_argument("--seconds", type=float, default=0.0, help="that an image takes")
    parser.add_argument("--slots", type=int, default=0, help="images at a time; 0: any number")
    given = parser.parse_args()
    worker = Worker(png(given.image), side_px=given.image, takes_s=given.seconds, slots=given.slots)
    asyncio.run(worker.serve(given.port_file))


main()
