"""How commands speak: tables for people, JSON for machines, errors that name the next step."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def print_json(value: object) -> None:
    """One JSON document on stdout, in ASCII: what others have written cannot steer a terminal."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    styles: Mapping[str, str] | None = None,
) -> None:
    """Rows under their columns, the first one unbroken as long as it fits: ids are copied.

    Nothing in them is taken for markup, or steers the terminal. `styles` has the style of a cell by
    its first word; colours are for terminals only.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=place == 0)
    for row in rows:
        table.add_row(*(Text(printable(cell), _style(cell, styles or {})) for cell in row))
    console.print(table)


def _style(cell: str, styles: Mapping[str, str]) -> str:
    word, _, _ = cell.partition(" ")
    return styles.get(word, "")


def print_text(text: str) -> None:
    """A text of others as it is, line by line."""
    console.print(printable(text), markup=False, soft_wrap=True)


def printable(text: str) -> str:
    """The text without signs that a terminal would obey."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)


def complain(message: str) -> None:
    """Say on stderr what went wrong, and go on."""
    errors.print("[red]error:[/red]", end=" ")
    errors.print(printable(message), markup=False, soft_wrap=True)


def fail(message: str, *, next_step: str = "") -> NoReturn:
    """Say what went wrong and what to do, and exit with 1."""
    complain(message)
    if next_step:
        errors.print(next_step, markup=False, soft_wrap=True)
    raise typer.Exit(1)


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if a person agrees, or has agreed beforehand."""
    if not yes:
        typer.confirm(question, abort=True)
