"""The first look at a store: what is wrong with the settings is named, what is away is not."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from services.storage.adapters.s3.client import s3_client
from services.storage.adapters.s3.layout import Layout
from services.storage.adapters.s3.opening import open_s3
from services.storage.adapters.s3.probe import SettingsWrong
from services.storage.ports import Area
from shared.outcomes import TryLater
from tests.storage.s3.middleman import Middleman, Trouble, middleman, said
from tests.storage.s3.server import S3Server, buckets, open_to_all, remote_store

KEY = "content/a/p_token.png"


@pytest.fixture
def between(s3: S3Server) -> Iterator[Middleman]:
    with middleman(s3.account.endpoint) as server:
        yield server


async def look(s3: S3Server, layout: Layout, public_url: str | None = None) -> None:
    async with remote_store(s3, layout, public_url=public_url):
        pass


async def wrong_setting(s3: S3Server, layout: Layout, public_url: str | None = None) -> str:
    with pytest.raises(SettingsWrong) as wrong:
        await look(s3, layout, public_url)
    assert "canary" not in str(wrong.value)
    return wrong.value.setting


@pytest.mark.parametrize(
    ("code", "setting"),
    [
        ("InvalidAccessKeyId", "R2_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "R2_SECRET_ACCESS_KEY"),
        ("AccessDenied", "R2_ACCESS_KEY_ID, R2_PUBLIC_BUCKET_NAME"),
    ],
)
async def test_a_refusal_names_the_setting(
    s3: S3Server, between: Middleman, layout: Layout, code: str, setting: str
) -> None:
    between.always = said(403, code)
    assert await wrong_setting(s3.behind(between.origin), layout) == setting


async def test_whoever_may_read_but_not_write_is_told(
    s3: S3Server, between: Middleman, layout: Layout
) -> None:
    between.always = said(403, "AccessDenied", "PUT")
    assert "R2_ACCESS_KEY_ID" in await wrong_setting(s3.behind(between.origin), layout)


async def test_a_bucket_that_is_not_there_is_named(s3: S3Server, layout: Layout) -> None:
    nowhere = "atelier-test-nowhere"
    assert await wrong_setting(s3, replace(layout, bucket=nowhere)) == "R2_BUCKET_NAME"
    apart = replace(layout, public_bucket=nowhere)
    assert await wrong_setting(s3, apart) == "R2_PUBLIC_BUCKET_NAME"


@pytest.mark.parametrize(
    "trouble", [said(503, "SlowDown"), said(403, "RequestTimeTooSkewed"), Trouble("resets")]
)
async def test_a_store_that_is_away_is_no_wrong_setting(
    s3: S3Server, between: Middleman, layout: Layout, trouble: Trouble
) -> None:
    between.always = trouble
    with pytest.raises(TryLater) as later:
        await look(s3.behind(between.origin), layout)
    assert not isinstance(later.value, SettingsWrong)


async def test_the_look_is_taken_up_again_once_the_store_is_back(
    s3: S3Server, between: Middleman, layout: Layout
) -> None:
    between.always = said(503, "SlowDown")
    async with open_s3(s3.behind(between.origin).account, layout, public_url=None) as remote:
        with pytest.raises(TryLater):
            await remote.probe()
        with pytest.raises(TryLater):
            await remote.objects.create(Area.PUBLIC, KEY, b"one", media_type="image/png")
        between.always = None
        await remote.probe()
        await remote.objects.create(Area.PUBLIC, KEY, b"one", media_type="image/png")


async def test_a_later_look_notices_that_the_store_is_away(
    s3: S3Server, between: Middleman, layout: Layout
) -> None:
    async with remote_store(s3.behind(between.origin), layout) as remote:
        between.always = said(503, "SlowDown")
        with pytest.raises(TryLater):
            await remote.probe()
        with pytest.raises(TryLater):
            await remote.objects.free_bytes()
        between.always = None
        await remote.probe()
        assert await remote.objects.free_bytes() is None


async def test_an_address_that_shows_the_whole_bucket_is_refused(s3: S3Server) -> None:
    async with buckets(s3, together=True) as layout:
        whole = f"{s3.account.endpoint}/{layout.bucket}"
        async with s3_client(s3.account) as client:
            await open_to_all(client, layout.bucket)
        assert await wrong_setting(s3, layout, whole) in {"R2_PUBLIC_URL", "R2_BUCKET_NAME"}
        # Nor does an address help that leads to the right folder of an open bucket.
        assert await wrong_setting(s3, layout, f"{whole}/public") == "R2_BUCKET_NAME"


async def test_a_cdn_that_shows_private_objects_is_refused(
    s3: S3Server, between: Middleman
) -> None:
    async with buckets(s3, together=True) as layout:
        async with s3_client(s3.account) as client:
            await open_to_all(client, layout.bucket)
        # The store itself is closed to strangers; the CDN in front of it is not.
        between.always = said(403, "AccessDenied")
        cdn = f"{s3.account.endpoint}/{layout.bucket}"
        async with open_s3(s3.account, layout, public_url=cdn) as remote:
            remote.probe.endpoint = between.origin
            with pytest.raises(SettingsWrong) as wrong:
                await remote.probe()
        assert wrong.value.setting == "R2_PUBLIC_URL"


async def test_nothing_is_written_to_a_store_that_shows_it(s3: S3Server) -> None:
    async with buckets(s3, together=True) as layout:
        async with s3_client(s3.account) as client:
            await open_to_all(client, layout.bucket)
        async with open_s3(s3.account, layout, public_url=None) as remote:
            with pytest.raises(SettingsWrong):
                await remote.probe()
            with pytest.raises(TryLater):
                await remote.objects.create(Area.PRIVATE, KEY, b"one", media_type="image/png")


async def test_an_address_that_does_not_answer_is_asked_again(s3: S3Server, layout: Layout) -> None:
    async with remote_store(s3, layout, public_url="http://127.0.0.1:1") as remote:
        assert not remote.probe.is_settled
        await remote.objects.create(Area.PUBLIC, KEY, b"one", media_type="image/png")
