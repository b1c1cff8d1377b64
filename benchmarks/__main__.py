"""Run one benchmark and print its figures: `python -m benchmarks stages [--json]`."""

import argparse
import asyncio
import json
import logging
import sys
from datetime import UTC, datetime
from pathlib import Path

import structlog

from benchmarks import generator, pipeline, router, runtime, safety, soak, stages
from benchmarks._figures import Report
from benchmarks._machine import described
from benchmarks.provider.image import REAL_PX, SMALL_PX

NAMES = ("generator", "pipeline", "router", "runtime", "safety", "soak", "stages")
RESULTS = Path(__file__).with_name("results")


def main() -> None:
    """Parse the arguments, measure, print."""
    arguments = _parser().parse_args()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    match arguments.name:
        case "generator":
            _generator(arguments)
        case "pipeline":
            _pipeline(arguments)
        case "router":
            _router(arguments)
        case "runtime":
            _runtime(as_json=arguments.json)
        case "safety":
            _safety(as_json=arguments.json)
        case "soak":
            _soak(arguments)
        case "stages":
            _stages(arguments)
        case _:
            _say(json.dumps(NAMES) if arguments.json else "\n".join(NAMES))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="figures as JSON")
    names.add_parser("list", parents=[shared], help="the names of the benchmarks")
    names.add_parser("safety", parents=[shared], help=safety.__doc__)
    names.add_parser("runtime", parents=[shared], help=runtime.__doc__)
    alone = names.add_parser("stages", parents=[shared], help=stages.__doc__)
    alone.add_argument(
        "--only",
        type=_stage_names,
        default=tuple(stages.STAGES),
        help=f"of {','.join(stages.STAGES)} (all)",
    )
    alone.add_argument("--pieces", type=_some, default=0, help="of each (what two minutes allow)")
    alone.add_argument("--save", action="store_true", help=f"keep the figures in {RESULTS.name}/")
    made = names.add_parser("generator", parents=[shared], help=generator.__doc__)
    made.add_argument("--full", action="store_true", help="SDXL's own size; wants a GPU")
    made.add_argument("--save", action="store_true", help=f"keep the figures in {RESULTS.name}/")
    routed = names.add_parser("router", parents=[shared], help=router.__doc__)
    routed.add_argument("--images", type=_some, default=1500, help="to have made (1500)")
    routed.add_argument("--save", action="store_true", help=f"keep the figures in {RESULTS.name}/")
    long = names.add_parser("soak", parents=[shared], help=soak.__doc__)
    long.add_argument("--minutes", type=float, default=10.0, help="how long (10)")
    long.add_argument("--rate", type=float, default=10.0, help="pieces a second (10)")
    whole = names.add_parser("pipeline", parents=[shared], help=pipeline.__doc__)
    whole.add_argument("--pieces", type=_some, default=2000, help="to send through (2000)")
    whole.add_argument(
        "--image",
        type=int,
        choices=(SMALL_PX, REAL_PX),
        default=SMALL_PX,
        help=f"{REAL_PX} measures pictures of the real size beside the small ones",
    )
    whole.add_argument("--backlog", type=_some, default=0, help="pieces to queue up beforehand")
    whole.add_argument("--save", action="store_true", help=f"keep the figures in {RESULTS.name}/")
    return parser


def _pipeline(arguments: argparse.Namespace) -> None:
    wanted = pipeline.Wanted(arguments.pieces, arguments.image, arguments.backlog)
    machine = described()
    report = asyncio.run(pipeline.measure(wanted))
    found = {"machine": machine, **report.as_dict()}
    _say(json.dumps(found, indent=2) if arguments.json else _with_machine(report, machine))
    if arguments.save:
        _keep(arguments.name, found)


def _generator(arguments: argparse.Namespace) -> None:
    machine = described()
    try:
        report = asyncio.run(generator.measure(generator.Wanted(arguments.full)))
    except generator.NeedsGpu as exc:
        sys.exit(f"error: {exc}")
    found = {"machine": machine, **report.as_dict()}
    _say(json.dumps(found, indent=2) if arguments.json else _with_machine(report, machine))
    if arguments.save:
        _keep(f"{arguments.name}-full" if arguments.full else arguments.name, found)


def _router(arguments: argparse.Namespace) -> None:
    machine = described()
    report = asyncio.run(router.measure(arguments.images))
    found = {"machine": machine, **report.as_dict()}
    _say(json.dumps(found, indent=2) if arguments.json else _with_machine(report, machine))
    if arguments.save:
        _keep(arguments.name, found)


def _keep(name: str, found: dict[str, object]) -> None:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}-{datetime.now(UTC):%Y-%m-%d}.json"
    path.write_text(json.dumps(found, indent=2) + "\n")
    sys.stderr.write(f"kept in {path}\n")


def _safety(*, as_json: bool) -> None:
    machine, report = described(), safety.measure()
    found = {"machine": machine, **report.as_dict()}
    _say(json.dumps(found, indent=2) if as_json else _with_machine(report, machine))


def _soak(arguments: argparse.Namespace) -> None:
    machine = described()
    report = asyncio.run(soak.measure(soak.Wanted(arguments.minutes, arguments.rate)))
    found = {"machine": machine, **report.as_dict()}
    _say(json.dumps(found, indent=2) if arguments.json else _with_machine(report, machine))


def _stages(arguments: argparse.Namespace) -> None:
    machine = described()
    report = asyncio.run(stages.measure(stages.Wanted(arguments.only, arguments.pieces)))
    found = {"machine": machine, **report.as_dict()}
    _say(json.dumps(found, indent=2) if arguments.json else _with_machine(report, machine))
    if arguments.save:
        pieces = f"-{arguments.pieces}" if arguments.pieces else ""
        _keep(f"{arguments.name}{pieces}", found)


def _runtime(*, as_json: bool) -> None:
    figures = asyncio.run(runtime.measure())
    if as_json:
        _say(json.dumps([figure.as_dict() for figure in figures], indent=2))
    else:
        _say("\n".join(figure.as_line() for figure in figures))


def _with_machine(report: Report, machine: dict[str, object]) -> str:
    cores, processor, commit = machine["cores"], machine["processor"], machine["commit"]
    return f"{report.as_text()}\n· {cores} cores, {processor}, commit {commit}"


def _some(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _stage_names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(stages.STAGES):
        raise argparse.ArgumentTypeError(f"no stage is called {', '.join(sorted(unknown))}")
    return names


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


main()
