"""Reconcile provider calls with a bill: one, or one after the other with a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import typer

from cli.api import Api
from cli.attempt_views import facts, verdict
from cli.output import console, print_table, print_text

_DEAREST_USD = 100
_SKIP, _QUIT = "s", "q"
_QUESTION = "charged USD, [n]ot charged, [s]kip, [q]uit"
_WRONG = f"dollars above 0 and up to {_DEAREST_USD}, with at most six decimals"


@dataclass(frozen=True, slots=True)
class Said:
    """What the bill says: the cost, or None where it does not have the call."""

    cost_usd: Decimal | None
    note: str = ""


def as_usd(text: str) -> Decimal:
    """A price that a call can have. Wrong usage otherwise."""
    cost = _price(text)
    if cost is None:
        raise typer.BadParameter(f"--charged: {_WRONG}")
    return cost


def reconcile_one(ask: Api, attempt_id: str, said: Said) -> dict[str, Any]:
    """Book it; the call as it stands then."""
    body: dict[str, Any] = {"result": "not_charged", "note": said.note}
    if said.cost_usd is not None:
        # Up to 15 digits the shortest float prints exactly the decimal.
        body |= {"result": "charged", "cost_usd": float(said.cost_usd)}
    return ask("POST", f"/attempts/{quote(attempt_id, safe='')}/reconcile", json=body)


def walk(ask: Api, attempts: Sequence[dict[str, Any]]) -> None:
    """Ask about each call in turn, and book what is said at once.

    What is refused is told, and the others go on; the command fails in the end.
    """
    was_refused = False
    for attempt in attempts:
        console.print()
        print_table(("", ""), facts(attempt))
        said = _ask_person()
        if said == _QUIT:
            break
        if isinstance(said, Said):
            try:
                print_text(verdict(reconcile_one(ask, attempt["attempt_id"], said)))
            except typer.Exit:
                was_refused = True
    if was_refused:
        raise typer.Exit(1)


def _ask_person() -> Said | str:
    while True:
        answer = typer.prompt(_QUESTION, default=_SKIP, show_default=False).strip().lower()
        if answer in {_SKIP, _QUIT}:
            return str(answer)
        if answer == "n":
            return Said(None)
        if (cost := _price(answer)) is not None:
            return Said(cost)
        console.print(f"Say {_WRONG}; or n, s, q.", markup=False)


def _price(text: str) -> Decimal | None:
    try:
        cost = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        return None
    is_price = cost.is_finite() and 0 < cost <= _DEAREST_USD and cost == round(cost, 6)
    return cost if is_price else None
