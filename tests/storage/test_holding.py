"""While the store is away deliveries are held, derived once, and told of when they are up there."""

import os
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.storage.adapters.held_directory import HeldDirectory
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.handler.deliver import StoreContent
from services.storage.handler.holding import DeliverOrHold, held_name
from services.storage.handler.links import ReportHealth
from services.storage.handler.orphans import SweepHeld
from services.storage.ports import Area, DerivedFile, ObjectStore
from shared.calls import Nothing
from shared.content import Tier
from shared.outcomes import GiveUp, TryLater
from tests.builders import content_stored
from tests.storage.fakes import MemoryObjects
from tests.storage.test_deliver import SECRET, Shelf, changed, picture
from tests.verdict_keys import KEYS

HOURS_S = 3600.0
ONE = DerivedFile(Area.PUBLIC, "content/a/p_1.png", b"one", "image/png")


@dataclass
class Away(MemoryObjects):
    """Takes `takes` more objects, then none."""

    takes: int = 0
    created: list[str] = field(default_factory=list)

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        self.created.append(key)
        if self.takes == 0:
            raise TryLater("object store: SlowDown")
        self.takes -= 1
        await super().create(area, key, data, media_type=media_type)


class Warehouse(Shelf):
    """Storage whose store is away, with a place to hold what it derives."""

    def __init__(self, tmp_path: Path, takes: int = 0) -> None:
        super().__init__()
        self.tmp_path = tmp_path
        self.objects = self.away = Away(takes=takes)

    def held(self, limit_bytes: int = 2**20) -> HeldDirectory:
        held = HeldDirectory(self.tmp_path / ".held", limit_bytes=limit_bytes, reserve_bytes=0)
        held.open()
        return held

    def handler(self, held: HeldDirectory | None = None, rules: str = "") -> DeliverOrHold:
        """As after a start: nothing is remembered but on the disk."""

        def deliver(objects: ObjectStore) -> StoreContent:
            parts = (self.staging, objects, PillowImaging(), self.signer)
            return StoreContent(*parts, SECRET, (Tier.CAPA1,), KEYS)

        return DeliverOrHold(deliver, self.objects, held or self.held(), rules)


async def test_it_is_told_of_once_it_is_up_there_and_derived_once(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(picture())
    for _ in range(3):
        with pytest.raises(TryLater, match="SlowDown"):
            await warehouse.handler()(event)
    signatures = warehouse.signer.signatures
    assert signatures == 2
    assert not warehouse.objects.kept
    warehouse.away.takes = 2
    stored = await warehouse.handler()(event)
    assert warehouse.signer.signatures == signatures
    image = warehouse.objects.kept[Area.PUBLIC, stored.delivery.object_key]
    assert (Area.PUBLIC, stored.delivery.thumbnail_key) in warehouse.objects.kept
    assert len(image) == stored.delivery.size
    assert not await warehouse.held().names()


async def test_what_came_up_before_the_store_went_is_not_taken_for_the_whole(
    tmp_path: Path,
) -> None:
    warehouse = Warehouse(tmp_path, takes=1)
    event = await warehouse.moderated(picture())
    with pytest.raises(TryLater):
        await warehouse.handler()(event)
    warehouse.away.takes = 2
    stored = await warehouse.handler()(event)
    assert len(warehouse.objects.kept) == 2
    assert stored.delivery.object_key in {key for _, key in warehouse.objects.kept}


async def test_a_store_in_trouble_is_asked_once_a_try(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(picture())
    for _ in range(2):
        with pytest.raises(TryLater):
            await warehouse.handler()(event)
    assert len(warehouse.away.created) == 2


async def test_nothing_is_held_while_the_store_takes_everything(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path, takes=99)
    await warehouse.handler()(await warehouse.moderated(picture()))
    assert not await warehouse.held().names()


async def test_where_there_is_no_room_it_is_derived_again(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(picture())
    for _ in range(2):
        with pytest.raises(TryLater):
            await warehouse.handler(warehouse.held(limit_bytes=100))(event)
    assert warehouse.signer.signatures == 4
    assert not await warehouse.held().names()


@pytest.mark.parametrize("damage", ["other bytes", "gone", "no note"])
async def test_what_was_damaged_meanwhile_is_derived_again(tmp_path: Path, damage: str) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(picture())
    with pytest.raises(TryLater):
        await warehouse.handler()(event)
    (folder,) = (tmp_path / ".held").iterdir()
    match damage:
        case "other bytes":
            (folder / "1").write_bytes(b"other")
        case "gone":
            (folder / "1").unlink()
        case _:
            (folder / "note.json").unlink()
    warehouse.away.takes = 99
    stored = await warehouse.handler()(event)
    assert len(warehouse.objects.kept[Area.PUBLIC, stored.delivery.object_key]) > 100


async def test_what_somebody_else_delivered_meanwhile_is_adopted(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(picture())
    with pytest.raises(TryLater):
        await warehouse.handler()(event)
    warehouse.away.takes = 99
    theirs = await warehouse.with_imaging(PillowImaging())(event)
    ours = await warehouse.handler()(event)
    assert ours.delivery == theirs.delivery
    assert not await warehouse.held().names()


async def test_under_other_rules_it_is_derived_anew(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(picture())
    for rules in ("one", "other"):
        with pytest.raises(TryLater):
            await warehouse.handler(rules=rules)(event)
    assert warehouse.signer.signatures == 4


async def test_another_verdict_never_takes_what_was_held_for_the_first(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(picture())
    assert held_name(event, "") != held_name(changed(event, tier=Tier.CAPA3), "")


async def test_what_may_not_be_delivered_is_not_held_either(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    event = await warehouse.moderated(b"no image")
    with pytest.raises(GiveUp):
        await warehouse.handler()(event)
    assert not await warehouse.held().names()


async def test_what_is_held_is_closed_to_other_users_of_the_machine(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    with pytest.raises(TryLater):
        await warehouse.handler()(await warehouse.moderated(picture()))
    (folder,) = (tmp_path / ".held").iterdir()
    for directory in (folder, folder.parent):
        assert directory.stat().st_mode & 0o777 == 0o700


async def test_what_waits_is_counted_and_full_is_said(tmp_path: Path) -> None:
    held = Warehouse(tmp_path).held(limit_bytes=5000)
    delivery = content_stored().delivery
    assert await held.keep("p.1", delivery, [ONE])
    waiting = await held.waiting()
    assert (waiting.deliveries, waiting.is_full) == (1, False)
    assert 3 < waiting.size_bytes < 5000
    large = DerivedFile(Area.PUBLIC, "content/a/q_1.png", b"x" * 5000, "image/png")
    assert not await held.keep("q.1", delivery, [large])
    assert await held.names() == {"p.1"}
    assert (await Warehouse(tmp_path).held(limit_bytes=10).waiting()).is_full


async def test_the_last_of_the_disk_is_left_alone(tmp_path: Path) -> None:
    held = HeldDirectory(tmp_path, limit_bytes=2**30, reserve_bytes=2**60)
    assert not await held.keep("p.1", content_stored().delivery, [ONE])


async def test_twins_keep_it_once(tmp_path: Path) -> None:
    held, delivery = Warehouse(tmp_path).held(), content_stored().delivery
    for _ in range(2):
        assert await held.keep("p.1", delivery, [ONE])
    assert await held.names() == {"p.1"}
    assert await held.file("p.1", 0) == ONE


async def test_what_waits_for_ended_pieces_or_too_long_is_forgotten(tmp_path: Path) -> None:
    held, delivery = Warehouse(tmp_path).held(), content_stored().delivery
    for name in ("ended.1", "ended.2", "old.1", "waiting.1"):
        await held.keep(name, delivery, [ONE])
    long_ago = time.time() - 49 * HOURS_S
    os.utime(tmp_path / ".held" / "old.1", (long_ago, long_ago))
    (tmp_path / ".held" / "half.part").mkdir()
    os.utime(tmp_path / ".held" / "half.part", (long_ago, long_ago))

    async def ended(piece_ids: Collection[str]) -> Collection[str]:
        return {"ended"} & set(piece_ids)

    await SweepHeld(held, ended)()
    assert {path.name for path in (tmp_path / ".held").iterdir()} == {"waiting.1"}


async def test_health_tells_that_the_store_is_away_and_what_waits(tmp_path: Path) -> None:
    class Down(MemoryObjects):
        async def free_bytes(self) -> int | None:
            raise TryLater("object store: SlowDown")

    held = Warehouse(tmp_path).held()
    await held.keep("p.1", content_stored().delivery, [ONE])
    health = await ReportHealth(Down(), 0, lambda: 3, held)(Nothing())
    assert (health.status, health.full) == ("down", False)
    assert health.detail["waiting"] == 1
    assert health.detail["orphans_removed"] == 3
    assert health.detail["error"] == "object store: SlowDown"
    full = Warehouse(tmp_path).held(limit_bytes=1)
    assert (await ReportHealth(Down(), 0, int, full)(Nothing())).full
