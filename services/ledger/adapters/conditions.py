"""Conditions that many questions share."""

from collections.abc import Iterable

from sqlalchemy import ARRAY, Column, ColumnElement, Text, any_, bindparam, literal, text

from services.ledger.adapters.schema import OPEN, UNCLEAR, UNSETTLED, WAITING_FOR_REVIEW

UNDER_WAY = text(f"pieces.{UNSETTLED}")
"""As SQL text, because a bound parameter could not match the predicate of an index."""
WAITING = text(f"pieces.{WAITING_FOR_REVIEW}")
CALLING = text(OPEN)
NEVER_TOLD = text(UNCLEAR)


def among(column: Column[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a text column is one of `values`, however many: they travel as one parameter."""
    return column == any_(literal(list(values), ARRAY(Text)))


def named(column: Column[str], name: str) -> ColumnElement[bool]:
    """As `among`, for statements that are built once: the list is their parameter `name`."""
    return column == any_(bindparam(name, type_=ARRAY(Text)))
