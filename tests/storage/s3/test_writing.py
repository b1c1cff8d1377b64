"""How objects are written: once, whole, and saying what they are."""

import base64
import hashlib
from collections.abc import AsyncIterator

import pytest

from services.storage.adapters.s3.layout import Layout
from services.storage.adapters.s3.opening import Remote, open_s3
from services.storage.ports import Area
from shared.outcomes import GiveUp, TryLater
from tests.storage.s3.middleman import Middleman, Trouble, middleman, said
from tests.storage.s3.server import S3Server, buckets, remote_store

KEY = "content/a/p_token.png"
NO_CONDITIONS = Trouble("strips", headers=("if-none-match",), methods=("PUT",))


@pytest.fixture
async def between(s3: S3Server) -> AsyncIterator[Middleman]:
    with middleman(s3.account.endpoint) as server:
        yield server


@pytest.fixture
async def through(s3: S3Server, between: Middleman, layout: Layout) -> AsyncIterator[Remote]:
    async with remote_store(s3.behind(between.origin), layout) as remote:
        between.seen.clear()
        yield remote


async def test_an_object_says_what_it_is_and_how_long_it_may_be_kept(
    remote: Remote, layout: Layout
) -> None:
    for area, cached in (
        (Area.PUBLIC, "public, max-age=31536000, immutable"),
        (Area.PRIVATE, "private, no-store"),
        (Area.REVIEW, "private, no-store"),
    ):
        await remote.objects.create(area, KEY, b"one", media_type="image/webp")
        place = layout.place(area, KEY)
        async with remote.probe.calls.call() as s3:
            head = await s3.head_object(Bucket=place.bucket, Key=place.key)
        assert (head["ContentType"], head["CacheControl"]) == ("image/webp", cached)


async def test_the_digest_is_sent_and_what_was_kept_is_looked_at(
    through: Remote, between: Middleman
) -> None:
    await through.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")
    (put,) = between.asked("PUT")
    digest = hashlib.sha256(b"one").digest()
    assert put.headers["x-amz-checksum-sha256"] == base64.b64encode(digest).decode()
    assert "x-amz-checksum-sha256" in put.headers["authorization"]
    assert put.headers["if-none-match"] == "*"
    (head,) = between.asked("HEAD")
    assert head.headers["x-amz-checksum-mode"] == "ENABLED"


async def test_half_an_object_is_removed_and_written_again(
    through: Remote, between: Middleman
) -> None:
    between.next = [Trouble("halves", methods=("PUT",))]
    with pytest.raises(TryLater):
        await through.objects.create(Area.PRIVATE, KEY, b"x" * 5000, media_type="image/png")
    await through.objects.create(Area.PRIVATE, KEY, b"x" * 5000, media_type="image/png")
    assert await through.objects.read(Area.PRIVATE, KEY) == b"x" * 5000


async def test_what_was_written_though_nobody_heard_of_it_is_taken_as_done(
    through: Remote, between: Middleman
) -> None:
    between.always = Trouble("fails afterwards", methods=("PUT",))
    with pytest.raises(TryLater):
        await through.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")
    between.always = None
    await through.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")


async def test_a_store_that_ignores_conditions_still_keeps_what_it_has(
    s3: S3Server, between: Middleman, layout: Layout
) -> None:
    between.always = NO_CONDITIONS
    async with remote_store(s3.behind(between.origin), layout) as remote:
        assert not remote.probe.writer.knows_conditions
        await remote.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")
        with pytest.raises(GiveUp) as gave_up:
            await remote.objects.create(Area.PRIVATE, KEY, b"two", media_type="image/png")
        assert gave_up.value.reason == "object_exists"
        assert await remote.objects.read(Area.PRIVATE, KEY) == b"one"


async def test_a_store_that_refuses_conditions_is_asked_without(
    s3: S3Server, between: Middleman, layout: Layout
) -> None:
    # For each of the two buckets and three areas: refused, written without, refused again.
    refusal = said(501, "NotImplemented", "PUT")
    passed = Trouble("strips", methods=("PUT",))
    between.next = [refusal, passed] * 6
    async with remote_store(s3.behind(between.origin), layout) as remote:
        assert not remote.probe.writer.knows_conditions
        between.seen.clear()
        await remote.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")
    assert "if-none-match" not in between.asked("PUT")[0].headers


async def test_conditions_are_known_where_the_store_keeps_to_them(remote: Remote) -> None:
    assert remote.probe.writer.knows_conditions


async def test_nothing_is_written_before_the_store_was_looked_at(
    s3: S3Server, layout: Layout
) -> None:
    async with open_s3(s3.account, layout, public_url=None) as remote:
        with pytest.raises(TryLater):
            await remote.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")
        await remote.probe()
        await remote.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")


async def test_more_keys_than_fit_a_page_are_found(s3: S3Server) -> None:
    async with buckets(s3, together=True) as layout, remote_store(s3, layout) as remote:
        names = {f"content/a/p_{number}.png" for number in range(12)}
        for name in names:
            await remote.objects.create(Area.PRIVATE, name, b"one", media_type="image/png")
        async with remote.probe.calls.call() as client:
            whole = client.list_objects_v2

            async def in_small_pages(**asked: object) -> object:
                return await whole(**asked, MaxKeys=5)

            client.list_objects_v2 = in_small_pages
        assert set(await remote.objects.keys("content/a/p_")) == names
