"""`atelier providers`: how those who make images stand, and whether one of them works."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

import importlib.util
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.api import DEFAULT_URL, Key, Url, api
from cli.output import AsJson, complain, console, fail, print_json, print_table
from cli.provider_views import COLUMNS, STYLES, may_be_called, row

app = typer.Typer()

# It is the generator's own code that is tried; a command is a client and holds none of it.
_TRIAL = "services.generator.trial"
_TRIAL_NEEDS = (_TRIAL, "httpx2", "PIL")
LORA_URL = "ATELIER_LORA_URL"


@app.callback(invoke_without_command=True)
def list_providers(
    context: typer.Context,
    url: Url = DEFAULT_URL,
    api_key: Key = None,
    as_json: AsJson = False,
) -> None:
    """See how the providers of images stand, or try one.

    Without a command: their breakers, limits and prices, and what the last hour's calls came to.

    Exits with 1 if none of them may be called.
    """
    if context.invoked_subcommand is not None:
        return
    with api(url, api_key) as ask:
        told = ask("GET", "/providers")
    if as_json:
        print_json(told)
    else:
        _print(told)
    if not any(map(may_be_called, told["providers"])):
        raise typer.Exit(1)


@app.command("test")
def try_one(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As AI_IMAGE_PROVIDER names it.")],
    prompt: Annotated[str | None, typer.Option(help="What the image shall show.")] = None,
    lora_url: Annotated[
        str | None,
        typer.Option(
            "--lora-url",
            envvar=LORA_URL,
            help="Where the worker may fetch weights; better set in the environment than typed.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the image to this new file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have one image made by a provider, by the very code that the generator uses.

    The provider's settings are read from the environment; gateway and broker are not needed.

    The call costs what an image costs there, and is not booked.
    """
    if missing := [part for part in _TRIAL_NEEDS if not _is_here(part)]:
        fail(
            f"the generator is not installed here: {missing[0]} is missing",
            next_step="pip install 'atelier[generator]'",
        )
    wishes = {"--prompt": prompt, "--out": None if out is None else str(out)}
    arguments = [f"{option}={value}" for option, value in wishes.items() if value is not None]
    if as_json:
        arguments.append("--json")
    # Not as an argument: those of a process are there for everybody to see.
    environment = os.environ | ({LORA_URL: lora_url} if lora_url else {})
    sys.stdout.flush()
    command = [sys.executable, "-m", _TRIAL, *arguments, "--", name]
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted


def _print(told: dict[str, Any]) -> None:
    for part in told["away"]:
        complain(f"the {part} does not answer; what it would tell is left open")
    if not told["providers"]:
        console.print("No providers.")
        return
    rows = [row(provider, away=told["away"]) for provider in told["providers"]]
    print_table(COLUMNS, rows, styles=STYLES)
    if told["strategy"]:
        console.print(
            f"strategy {told['strategy']}; calls of the last hour, breakers of one replica",
            style="dim",
            markup=False,
        )


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
