"""How commands speak: tables for people, JSON for machines, errors that name the next step."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their columns; nothing in them is taken for markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def fail(message: str, *, next_step: str = "") -> NoReturn:
    """Say what went wrong and what to do, and exit with 1."""
    errors.print("[red]error:[/red]", end=" ")
    errors.print(message, markup=False, soft_wrap=True)
    if next_step:
        errors.print(next_step, markup=False, soft_wrap=True)
    raise typer.Exit(1)


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if a person agrees, or has agreed beforehand."""
    if not yes:
        typer.confirm(question, abort=True)
