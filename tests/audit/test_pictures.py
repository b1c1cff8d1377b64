"""The auditor reads files as storage really makes them, and sees when somebody has meddled."""

import functools
import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from services.safety.adapters.pillow_prints import image_print
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.domain import DeliveryFormat
from tests.audit import CannotJudge
from tests.audit.credentials import Credentials, credentials_in
from tests.audit.looks import Look, are_alike, has_print, look_at
from tests.audit.pictures import Gallery, read_given
from tests.chaos.pictures import picture, truncated
from tests.storage.signed_files import copies, derived, development, signed_file

PIECES = 2
SIDES = ((96, 96), (1024, 1024), (832, 1216))


def seen(data: bytes) -> Look:
    look = look_at(data)
    assert look is not None
    return look


@pytest.mark.parametrize("wanted", DeliveryFormat)
async def test_what_storage_signs_is_read_without_its_help(
    wanted: DeliveryFormat, tmp_path: Path
) -> None:
    signed = await signed_file(development(tmp_path), wanted, piece_id="p1", source_sha256="a" * 64)
    assert credentials_in(signed) == Credentials("p1", "a" * 64, intact=True)


async def test_a_file_that_was_altered_after_signing_is_not_intact(tmp_path: Path) -> None:
    signed = await signed_file(development(tmp_path))
    for altered in (signed + b"\0", signed[:-40] + b"\0" + signed[-39:]):
        told = credentials_in(altered)
        assert told is not None
        assert not told.intact


async def test_files_without_credentials_tell_nothing() -> None:
    copy = (await copies()).image.data
    assert [credentials_in(each) for each in (copy, b"", b"RIFF", b"\xff\xd8\xff")] == [None] * 4


@functools.cache
def others(size: tuple[int, int]) -> tuple[Look, ...]:
    """What other pieces of a run look like."""
    return tuple(seen(picture(*size, f"other {nth}")) for nth in range(20))


@pytest.mark.parametrize("quality", [50, 90])
@pytest.mark.parametrize("size", SIDES, ids=str)
@pytest.mark.parametrize("wanted", DeliveryFormat)
async def test_the_pictures_of_a_run_survive_their_encoding_and_no_other_passes_for_them(
    wanted: DeliveryFormat, size: tuple[int, int], quality: int
) -> None:
    for nth in range(PIECES):
        judged = picture(*size, f"piece {nth}")
        drawn = await derived(PillowImaging(wanted, quality), judged)
        for copy in (drawn.image, drawn.thumbnail):
            assert are_alike(seen(copy.data), seen(judged))
            assert not any(are_alike(seen(copy.data), other) for other in others(size))


@pytest.mark.parametrize("size", SIDES, ids=str)
async def test_the_print_that_safety_takes_is_found_in_the_copy_and_in_no_other(
    size: tuple[int, int],
) -> None:
    prints = [image_print(picture(*size, f"piece {nth}")) for nth in range(20)]
    for nth in range(PIECES):
        copy = await derived(PillowImaging(), picture(*size, f"piece {nth}"))
        look = seen(copy.image.data)
        assert [at for at, each in enumerate(prints) if each and has_print(look, each)] == [nth]


def test_what_is_no_picture_shows_nothing() -> None:
    for data in (b"", b"GIF89a", truncated(96, 96, "half")):
        assert look_at(data) is None


async def test_what_the_provider_gave_is_known_by_its_hash_and_by_no_other_name(
    tmp_path: Path,
) -> None:
    whole, half = picture(96, 96, "whole"), truncated(96, 96, "half")
    names = {data: hashlib.sha256(data).hexdigest() for data in (whole, half)}
    (tmp_path / "images").mkdir()
    for data, name in names.items():
        (tmp_path / "images" / name).write_bytes(data)
    assert await read_given(tmp_path, Gallery()) == {names[whole]: look_at(whole)}
    (tmp_path / "images" / names[half]).write_bytes(whole)
    with pytest.raises(CannotJudge):
        await read_given(tmp_path, Gallery())


async def test_a_run_without_images_of_its_provider_has_none(tmp_path: Path) -> None:
    assert await read_given(tmp_path, Gallery()) == {}


def test_a_lossless_picture_has_the_same_look_in_every_form() -> None:
    out = io.BytesIO()
    with Image.open(io.BytesIO(picture(96, 96, "one"))) as image:
        image.convert("RGB").save(out, "WEBP", lossless=True)
    assert are_alike(seen(out.getvalue()), seen(picture(96, 96, "one")))
