"""Run one benchmark and print its figures: `python -m benchmarks stages [--json]`."""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Callable, Coroutine, Sequence

import structlog

from benchmarks import stages
from benchmarks._figures import Figure

Measure = Callable[[], Coroutine[None, None, Sequence[Figure]]]

BENCHMARKS: dict[str, Measure] = {"stages": stages.measure}


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=["list", *BENCHMARKS])
    parser.add_argument("--json", action="store_true", help="figures as a JSON list")
    arguments = parser.parse_args()
    if arguments.name == "list":
        _say(json.dumps(sorted(BENCHMARKS)) if arguments.json else "\n".join(sorted(BENCHMARKS)))
        return
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    figures = asyncio.run(BENCHMARKS[arguments.name]())
    if arguments.json:
        _say(json.dumps([figure.as_dict() for figure in figures], indent=2))
    else:
        _say("\n".join(figure.as_line() for figure in figures))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


main()
