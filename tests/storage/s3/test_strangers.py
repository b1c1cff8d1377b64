"""What strangers can read: open objects by their address, and nothing else."""

import asyncio
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

from services.storage.adapters.s3.client import s3_client
from services.storage.adapters.s3.layout import Layout
from services.storage.adapters.s3.opening import Remote
from services.storage.domain import IN_REVIEW
from services.storage.handler.links import SignObjectLinks
from services.storage.ports import Area, ObjectMissing
from shared.calls import SignLinks
from shared.problems import Problem
from tests.storage.s3.server import S3Server, buckets, open_to_all, remote_store

KEY = "content/a/p_token.png"
WEEK_S = 7 * 24 * 3600


async def seen_by_anybody(url: str) -> bytes | None:
    def ask() -> bytes | None:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as refused:
            refused.close()
            return None

    return await asyncio.to_thread(ask)


async def keep(remote: Remote, area: Area) -> None:
    await remote.objects.create(area, KEY, area.encode(), media_type="image/png")


async def test_an_open_object_is_read_at_its_link(remote: Remote) -> None:
    await keep(remote, Area.PUBLIC)
    assert await seen_by_anybody(remote.objects.link(Area.PUBLIC, KEY)) == b"public"


async def test_in_one_bucket_a_cdn_shows_the_public_folder_only(s3: S3Server) -> None:
    async with buckets(s3, together=True) as layout:
        if not s3.is_real:
            async with s3_client(s3.account) as client:
                await open_to_all(client, layout.bucket, "public/")
        async with remote_store(s3, layout, public_url=s3.public_url(layout)) as remote:
            for area in Area:
                await keep(remote, area)
            assert await seen_by_anybody(remote.objects.link(Area.PUBLIC, KEY)) == b"public"
            for address in guesses(s3, layout):
                assert await seen_by_anybody(address) in {None, b"public"}


def guesses(s3: S3Server, layout: Layout) -> list[str]:
    """Addresses that somebody may think of who knows a key, both buckets and the public one."""
    closed = (KEY, f"review/{KEY}", "review/../" + KEY, "public/../" + KEY, "loras/ada.safetensors")
    starts = [s3.public_url(layout), *(f"{s3.public_url(layout)}/{up}" for up in ("..", "%2e%2e"))]
    names = {layout.bucket, layout.public_bucket or layout.bucket}
    starts += [f"{s3.account.endpoint}/{name}" for name in names]
    found = [f"{start}/{key}" for start in starts for key in closed]
    return [*found, *(f"{each}?X-Amz-Expires=60&response-expires=1" for each in found)]


@pytest.mark.parametrize("area", [Area.PRIVATE, Area.REVIEW])
async def test_nobody_reads_what_is_closed_without_a_signed_link(
    remote: Remote, s3: S3Server, layout: Layout, area: Area
) -> None:
    await keep(remote, area)
    await remote.objects.create(
        Area.PRIVATE, "loras/ada.safetensors", b"weights", media_type="application/octet-stream"
    )
    for address in guesses(s3, layout):
        assert await seen_by_anybody(address) is None
    in_review = area is Area.REVIEW
    link = await remote.objects.sign(KEY, expires_s=60, in_review=in_review)
    assert await seen_by_anybody(link) == area.encode()


async def test_a_link_for_reviewers_opens_what_is_held_and_no_other_does(remote: Remote) -> None:
    for area in Area:
        await keep(remote, area)
    held = await remote.objects.sign(KEY, expires_s=60, in_review=True)
    assert await seen_by_anybody(held) == b"review"
    assert await seen_by_anybody(await remote.objects.sign(KEY, expires_s=60)) == b"private"


async def test_a_key_cannot_name_another_areas_object(s3: S3Server) -> None:
    async with buckets(s3, together=True) as layout, remote_store(s3, layout) as remote:
        sign = SignObjectLinks(remote.objects)
        for key in (f"review/{KEY}", f"public/{KEY}"):
            with pytest.raises(Problem, match="invalid_key"):
                await sign(SignLinks(keys=(key,)))
            with pytest.raises(ObjectMissing):
                await remote.objects.read(Area.PRIVATE, key)


async def test_weights_are_linked_where_the_avatars_row_says(
    remote: Remote, layout: Layout
) -> None:
    request = SignLinks(keys=("loras/ada/v1.safetensors",), expires_s=900)
    link = urlsplit((await SignObjectLinks(remote.objects)(request)).urls[0])
    assert link.path == f"/{layout.bucket}/loras/ada/v1.safetensors"
    assert parse_qs(link.query)["X-Amz-Expires"] == ["900"]


async def test_no_link_lasts_longer_than_a_week(remote: Remote) -> None:
    link = urlsplit(await remote.objects.sign(KEY, expires_s=2 * WEEK_S))
    assert parse_qs(link.query)["X-Amz-Expires"] == [str(WEEK_S)]


def test_what_is_not_open_has_no_address(remote: Remote) -> None:
    assert remote.objects.link(Area.REVIEW, KEY) == f"{IN_REVIEW}{KEY}"
    assert remote.objects.link(Area.PRIVATE, KEY).startswith("s3://")
