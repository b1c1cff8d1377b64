"""The commands of embedded mode; `./dev` runs them inside the project's environment."""

# ruff: noqa: FBT001, FBT002 - a flag is a bool with a default, in typer's way of saying it

import asyncio
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from deploy.local.blueprint import ATELIER, Blueprint
from deploy.local.demo import Demo
from deploy.local.detach import Reporter, start_detached
from deploy.local.doctor import Finding, State, examine
from deploy.local.endpoint import Endpoint
from deploy.local.errors import CannotRun
from deploy.local.output import LineSink, Tee, Terminal
from deploy.local.paths import DataDirectory
from deploy.local.serving import Outcome, Session, serve
from deploy.local.stack import Stack
from deploy.local.stopping import bring_down, reset

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Data = Annotated[Path | None, typer.Option(help="Data directory; default .atelier.")]
Scale = Annotated[
    list[str] | None, typer.Option(metavar="SERVICE=N", help="Run N processes of a service.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def up(
    context: typer.Context,
    data: Data = None,
    scale: Scale = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is ready.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start everything and serve until Ctrl-C, or in the background with --detach."""
    directory, replicas = DataDirectory.at(data), parse_scale(scale)
    if detach:
        _show(start_detached(directory, replicas, _step, context.obj), as_json)
        return

    async def session(endpoint: Endpoint) -> Outcome:
        _show(endpoint, as_json)
        return Outcome()

    terminal = Terminal(sys.stderr if as_json else sys.stdout)
    stack = _stack(context, directory, replicas, terminal, _step)
    _exit(_serve(stack, session, _step))


@app.command()
def demo(
    context: typer.Context,
    pieces: Annotated[int, typer.Option(min=1, max=500, help="Pieces in the batch.")] = 12,
    exit_after: Annotated[bool, typer.Option("--exit", help="End after the batch.")] = False,
    data: Data = None,
) -> None:
    """Start everything, make a batch for a demo avatar, show it, and serve until Ctrl-C."""
    stack = _stack(context, DataDirectory.at(data), {}, Tee(), _step)
    _exit(_serve(stack, Demo(console, pieces, serve_on=not exit_after), _step))


@app.command(hidden=True)
def supervise(
    context: typer.Context,
    data: Annotated[Path, typer.Option()],
    report_to: Annotated[int, typer.Option()],
    scale: Scale = None,
) -> None:
    """Serve in the background; the start is reported to the pipe `report_to`."""
    reporter = Reporter(report_to)

    async def session(endpoint: Endpoint) -> Outcome:
        reporter.ready(endpoint)
        return Outcome()

    def step(text: str) -> None:
        errors.print(text, markup=False)
        reporter.step(text)

    try:
        stack = _stack(context, DataDirectory(data), parse_scale(scale), Tee(), step)
        _exit(_serve(stack, session, step))
    except CannotRun as exc:
        reporter.failed(str(exc))
        raise


@app.command()
def down(data: Data = None) -> None:
    """Stop what runs over a data directory."""
    console.print(asyncio.run(bring_down(DataDirectory.at(data))))


@app.command()
def doctor(data: Data = None, as_json: AsJson = False) -> None:
    """Check this machine; exit code 1 when something is to be fixed first."""
    findings = asyncio.run(examine(DataDirectory.at(data), os.environ))
    if as_json:
        _write_json([asdict(finding) for finding in findings])
    else:
        _print_findings(findings)
    _exit(1 if any(finding.state is State.FAILURE for finding in findings) else 0)


@app.command(name="reset")
def reset_command(
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a data directory with every avatar, piece and image in it."""
    directory = DataDirectory.at(data)
    if directory.exists() and not yes:
        typer.confirm(f"Delete {directory.root} and everything in it?", abort=True)
    console.print(asyncio.run(reset(directory)))


def parse_scale(given: list[str] | None) -> dict[str, int]:
    """Read `SERVICE=N` pairs; raises CannotRun on anything else."""
    replicas = {}
    for pair in given or []:
        name, _, count = pair.partition("=")
        if not count.isdigit():
            raise CannotRun(f"--scale {pair}: write it as SERVICE=N, for example generator=3")
        replicas[name] = int(count)
    return replicas


def _stack(
    context: typer.Context,
    directory: DataDirectory,
    replicas: dict[str, int],
    sink: LineSink,
    step: Callable[[str], None],
) -> Stack:
    return Stack(
        directory,
        user=os.environ,
        scale=replicas,
        sink=sink,
        report=step,
        blueprint=context.obj,
    )


def _serve(stack: Stack, session: Session, step: Callable[[str], None]) -> int:
    return asyncio.run(serve(stack, session, on_stop=lambda: step("stopping")))


def _show(endpoint: Endpoint, as_json: bool) -> None:
    if as_json:
        _write_json(asdict(endpoint))
    else:
        endpoint.print(console)


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        colour = {State.OK: "green", State.WARNING: "yellow", State.FAILURE: "red"}[finding.state]
        head = f"[{colour}]{finding.state:<8}[/{colour}] {finding.check:<15}"
        console.print(f"{head} {escape(finding.detail)}", soft_wrap=True)
        if finding.fix:
            console.print(f"{'':<24} [bold]fix:[/bold] {escape(finding.fix)}", soft_wrap=True)


def _write_json(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _step(text: str) -> None:
    errors.print(f"[dim]· {text}[/dim]")


def _exit(code: int) -> None:
    raise typer.Exit(code)


def main(blueprint: Blueprint = ATELIER) -> None:
    """Run the command line; expected failures are one message and exit code 1."""
    try:
        app(prog_name="./dev", obj=blueprint)
    except CannotRun as exc:
        errors.print("[red]error:[/red]", end=" ")
        errors.print(str(exc), markup=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
