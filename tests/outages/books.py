"""What the books say of the pieces that were accepted, by plain SQL."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.system import System
from tests.eventually import eventually
from tests.files import files_below

PRICE_USD_MICROS = 10_000
LOOK_EVERY_S = 0.25

_STATES = "select state, count(*)::int as pieces from pieces group by state"
_ENDED = {"persisted", "rejected", "failed", "pending_review"}


async def states(system: System) -> Counter[str]:
    """Pieces by state."""
    return Counter({row["state"]: row["pieces"] for row in await system.rows(_STATES)})


async def settled_s(system: System, pieces: int, *, limit_s: float) -> float:
    """Seconds until `pieces` pieces, which are all, have ended and nothing is left to be told."""
    began = time.monotonic()

    async def all_have_ended() -> bool:
        found = await states(system)
        [left] = await system.rows("select count(*)::int as facts from outbox")
        ended = sum(count for state, count in found.items() if state in _ENDED)
        return ended == found.total() == pieces and left["facts"] == 0

    await eventually(all_have_ended, limit_s, every_s=LOOK_EVERY_S)
    return time.monotonic() - began


async def assert_each_ended_once(
    system: System, pieces: int, *, objects: Path | None = None
) -> None:
    """Every piece is delivered, told and billed once; its files are there, and no others."""
    assert await states(system) == {"persisted": pieces}
    told = await system.rows(
        "select piece_id from piece_events where fact = 'content.persisted'"
        " group by piece_id having count(*) = 1"
    )
    assert len(told) == pieces
    keys = await system.rows("select object_key, thumbnail_key from content_pieces")
    wanted = {str(key) for row in keys for key in (row["object_key"], row["thumbnail_key"])}
    assert delivered(objects or system.data / "objects") == wanted


def delivered(objects: Path) -> set[str]:
    """Keys of the files below a directory of objects."""
    return {str(path) for path in _files(objects) if not path.name.startswith(".")}


def half_written(objects: Path) -> set[str]:
    """Files there that have no key, wherever they lie."""
    known = delivered(objects)
    relative = (path.relative_to(objects) for path in files_below(objects))
    return {str(path) for path in relative if str(Path(*path.parts[1:])) not in known}


def _files(objects: Path) -> Iterator[Path]:
    for area in ("public", "private", "review"):
        yield from (path.relative_to(objects / area) for path in files_below(objects / area))


async def assert_bought_once(system: System, pieces: int, *, asked: int) -> None:
    """Each piece was bought once, but for calls that are on record with an unknown outcome."""
    attempts = await system.rows("select * from attempts")
    bought = Counter(row["piece_id"] for row in attempts if row["outcome"] == "succeeded")
    assert set(bought.values()) == {1}
    assert len(bought) == pieces
    unknown = sum(row["outcome"] == "unknown" for row in attempts)
    assert pieces <= asked <= pieces + unknown
