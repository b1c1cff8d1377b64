"""`atelier attempts`: every provider call, and those that a bill has to explain."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

import sys
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.api import DEFAULT_URL, Api, Key, Url, api
from cli.attempt_views import COLUMNS, STYLES, row, verdict
from cli.bills import Said, as_usd, reconcile_one, walk
from cli.output import AsJson, Yes, confirm, console, print_json, print_table, print_text
from cli.provider_views import money

app = typer.Typer()

_PAGE = 100


class OutcomeChoice(StrEnum):
    """How a call ended, as options take it."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@app.callback(invoke_without_command=True)
def list_attempts(
    context: typer.Context,
    outcome: Annotated[
        OutcomeChoice | None, typer.Option(help="Only these; unknown ones wait to be reconciled.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Only calls to this one.")] = None,
    piece: Annotated[str | None, typer.Option(help="Only calls for this piece.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 50,
    url: Url = DEFAULT_URL,
    api_key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List provider calls, newest first; reconcile those that ended nobody knows how."""
    context.obj = (url, api_key)
    if context.invoked_subcommand is not None:
        return
    wanted = {"outcome": outcome, "provider": provider, "piece_id": piece}
    filters = {name: value for name, value in wanted.items() if value is not None}
    with api(url, api_key) as ask:
        found, are_more = _first(ask, filters, limit)
    _show(found, as_json=as_json)
    if are_more and not as_json:
        console.print("… and more, with --limit.")


@app.command()
def reconcile(
    context: typer.Context,
    attempt: Annotated[str | None, typer.Argument(metavar="ID", help="Of the call.")] = None,
    charged: Annotated[
        str | None, typer.Option(metavar="USD", help="The provider's bill has it, at this price.")
    ] = None,
    not_charged: Annotated[
        bool, typer.Option("--not-charged", help="The provider's bill does not have it.")
    ] = False,
    note: Annotated[str, typer.Option(help="For the record.")] = "",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Say how a call ended of which nobody knows, as the provider's bill tells.

    Without an id the calls that wait for it are listed; on a terminal each is asked about.
    """
    cost = None if charged is None else as_usd(charged)
    if attempt is None:
        _look_through(context, is_said=not_charged or cost is not None, as_json=as_json)
        return
    if not_charged == (cost is not None):
        raise typer.BadParameter("give --charged USD or --not-charged")
    what = "not charged" if cost is None else f"charged {money(float(cost))}"
    confirm(f"Book the call {attempt} as {what}, for good?", yes=yes)
    with api(*context.obj) as ask:
        booked = reconcile_one(ask, attempt, Said(cost, note))
    if as_json:
        print_json(booked)
        return
    print_text(verdict(booked))


def _look_through(context: typer.Context, *, is_said: bool, as_json: bool) -> None:
    if is_said:
        raise typer.BadParameter("--charged and --not-charged go with the id of one call")
    with api(*context.obj) as ask:
        found, _ = _first(ask, {"outcome": OutcomeChoice.UNKNOWN}, sys.maxsize)
        _show(found, as_json=as_json, nothing="Nothing waits to be reconciled.")
        if found and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
            walk(ask, found)


def _show(found: list[dict[str, Any]], *, as_json: bool, nothing: str = "No calls.") -> None:
    if as_json:
        print_json(found)
    elif found:
        print_table(COLUMNS, [row(attempt) for attempt in found], styles=STYLES)
    else:
        console.print(nothing)


def _first(ask: Api, filters: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], bool]:
    """So many calls, and whether there are more."""
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        paging = {"limit": min(_PAGE, limit - len(found))} | ({"cursor": cursor} if cursor else {})
        page = ask("GET", "/attempts", params=filters | paging)
        found += page["attempts"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found, False
    return found, True
