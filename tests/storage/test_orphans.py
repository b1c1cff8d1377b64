"""Files that no piece has are removed and told of; all others stay."""

from collections.abc import Collection
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.storage.adapters.ledger_pieces import LedgerFiles
from services.storage.adapters.s3.opening import Remote
from services.storage.domain import FileNames, object_key, piece_of_key, thumbnail_key
from services.storage.handler.cleanup import WithdrawDelivery
from services.storage.handler.orphans import CollectOrphans
from services.storage.ports import Area, Found, ObjectStore, Strays, Unowned
from shared.calls import FileArea, FindUnowned, ListedFile, PieceRef, UnownedFiles
from shared.outcomes import TryLater
from tests.builders import delivery_withdrawn
from tests.storage.fakes import MemoryObjects
from tests.storage.test_object_stores import local

PIECE = "11111111-2222-3333-4444-555555555555"
MINE = object_key("a", PIECE, "kept", "jpg")
LOST = object_key("a", PIECE, "lost", "jpg")


async def lost(files: Collection[Found]) -> Strays:
    return Strays([file.key for file in files if "lost" in file.key])


async def no_upload(piece: PieceRef) -> None:
    raise AssertionError(piece)


def collector(objects: ObjectStore, unowned: Unowned, grace_s: float = 0) -> CollectOrphans:
    return CollectOrphans(objects, unowned, no_upload, grace_s)


async def fill(objects: ObjectStore) -> None:
    for area, key in (
        (Area.PUBLIC, MINE),
        (Area.PUBLIC, LOST),
        (Area.PRIVATE, thumbnail_key("a", PIECE, "lost")),
        (Area.REVIEW, object_key("b", PIECE, "lost", "png")),
        (Area.PRIVATE, "loras/lost.safetensors"),
    ):
        await objects.create(area, key, b"x", media_type="image/png")


async def left(objects: ObjectStore) -> set[str]:
    keys = {*await objects.keys("content/a/"), *await objects.keys("content/b/")}
    return {key for key in keys if "probe" not in key}


async def test_orphans_are_removed_from_every_area_and_told_of() -> None:
    objects = MemoryObjects()
    await fill(objects)
    collect = collector(objects, lost)
    with capture_logs() as logs:
        await collect()
    assert await left(objects) == {MINE}
    assert (Area.PRIVATE, "loras/lost.safetensors") in objects.kept
    assert collect.removed == 3
    assert [entry["event"] for entry in logs] == ["orphans.removed"] * 3


@pytest.mark.parametrize("grace_s", [-60.0, 60.0], ids=["after", "within"])
async def test_what_is_young_may_yet_be_somebodys(
    tmp_path: Path, remote: Remote, grace_s: float
) -> None:
    for objects in (local(tmp_path), remote.objects):
        await fill(objects)
        await collector(objects, lost, grace_s)()
        assert (LOST in await left(objects)) == (grace_s > 0)
        assert MINE in await left(objects)


async def test_nothing_is_removed_while_nobody_knows() -> None:
    async def unknown(files: Collection[Found]) -> Strays:
        del files
        raise TryLater("the ledger is away")

    objects = MemoryObjects()
    await fill(objects)
    with pytest.raises(TryLater):
        await collector(objects, unknown)()
    assert len(objects.kept) == 5


async def test_no_question_names_more_than_the_ledger_answers() -> None:
    asked: list[int] = []

    async def count(files: Collection[Found]) -> Strays:
        asked.append(len(files))
        return Strays()

    keys = [f"content/a/{PIECE}_{number}.png" for number in range(1200)]
    objects = MemoryObjects({(Area.PUBLIC, key): b"x" for key in keys})
    await collector(objects, count)()
    assert asked == [500, 500, 200]


async def test_the_ledger_is_asked_about_pieces_files_only() -> None:
    asked: list[FindUnowned] = []
    copy = ListedFile(piece_id=PIECE, key=MINE, area=FileArea.PRIVATE)
    begun = PieceRef(tenant="default", piece_id=PIECE)

    async def call(_: object, request: FindUnowned) -> UnownedFiles:
        asked.append(request)
        return UnownedFiles(keys=(LOST,), elsewhere=(copy,), unfinished=(begun,))

    files = LedgerFiles(call)  # type: ignore[arg-type]
    strange = Found(Area.PUBLIC, "content/atelier-probe.txt")
    found = await files([Found(Area.REVIEW, LOST), strange])
    assert found == Strays((LOST,), [Found(Area.PRIVATE, MINE)], (begun,))
    listed = [(file.piece_id, file.key, file.area) for file in asked[0].files]
    assert listed == [(PIECE, LOST, FileArea.REVIEW)]
    assert await files([strange]) == Strays()
    assert len(asked) == 1


async def test_what_an_upload_left_behind_goes_and_what_it_left_undone_is_done() -> None:
    begun, sent = PieceRef(tenant="default", piece_id=PIECE), []

    async def strays(files: Collection[Found]) -> Strays:
        del files
        return Strays(elsewhere=[Found(Area.PRIVATE, MINE)], unfinished=[begun])

    async def upload(piece: PieceRef) -> None:
        sent.append(piece)

    objects = MemoryObjects({(area, MINE): b"x" for area in (Area.PRIVATE, Area.PUBLIC)})
    collect = CollectOrphans(objects, strays, upload, grace_s=0)
    await collect()
    assert set(objects.kept) == {(Area.PUBLIC, MINE)}
    assert (sent, collect.removed) == ([begun], 1)


@pytest.mark.parametrize(
    "key", ["content/atelier-probe.txt", "loras/a_b.bin", "content/a", "content/a/b/c_d.png", ""]
)
def test_what_is_no_file_of_a_piece_is_told(key: str) -> None:
    assert piece_of_key(key) is None
    assert piece_of_key(FileNames("a", PIECE, "token").original("png")) == PIECE


async def test_a_withdrawal_takes_along_what_lies_beside(remote: Remote) -> None:
    kept = {
        Area.PUBLIC: (MINE, thumbnail_key("a", PIECE, "kept")),
        Area.PRIVATE: (FileNames("a", PIECE, "kept").original("png"),),
        Area.REVIEW: (LOST,),
    }
    for area, keys in kept.items():
        for key in keys:
            await remote.objects.create(area, key, b"x", media_type="image/png")
    withdrawn = delivery_withdrawn(object_keys=kept[Area.PUBLIC])
    for _ in range(2):
        await WithdrawDelivery(remote.objects)(withdrawn)
    assert await left(remote.objects) == {LOST}
