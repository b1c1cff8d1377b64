"""Ways to spoil a world written by hand; each gives the same world with one thing changed."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from tests.audit.streams import FactMessage
from tests.audit.world import World

Row = TypeVar("Row")


def with_books(world: World, **rows: Any) -> World:
    """The same with other rows."""
    return replace(world, books=replace(world.books, **rows))


def with_streams(world: World, **parts: Any) -> World:
    """The same with other messages."""
    return replace(world, streams=replace(world.streams, **parts))


def with_evidence(world: World, **lines: Any) -> World:
    """The same with other notes."""
    return replace(world, evidence=replace(world.evidence, **lines))


def changed(rows: Iterable[Row], which: Callable[[Row], bool], **news: object) -> tuple[Row, ...]:
    """The rows, of which those that `which` picks have these news; at least one has."""
    known = list(rows)
    assert any(which(row) for row in known), "nothing was changed"
    return tuple(replace(row, **news) if which(row) else row for row in known)  # type: ignore[type-var]


def without_fact(world: World, name: str, piece_id: str = "") -> World:
    """The same, had this never been written."""
    kept = tuple(
        message
        for message in world.streams.facts
        if message.fact != name or (piece_id and piece_id not in message.tokens)
    )
    assert len(kept) < len(world.streams.facts), "nothing was taken away"
    return with_streams(world, facts=kept)


def with_fact(world: World, message: FactMessage) -> World:
    """The same with one message more."""
    return with_streams(world, facts=(*world.streams.facts, message))
