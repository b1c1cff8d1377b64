"""A store in trouble makes work wait, is not hammered, and its words go nowhere."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from services.storage.adapters.s3.calls import FAILURES, Calls
from services.storage.adapters.s3.client import s3_client
from services.storage.adapters.s3.layout import Layout, Place
from services.storage.adapters.s3.opening import Remote
from services.storage.adapters.s3.writing import CreateOnly
from services.storage.ports import Area, ObjectMissing
from shared.outcomes import TryLater
from tests.eventually import PATIENCE_S
from tests.storage.s3.middleman import Middleman, Trouble, middleman, said
from tests.storage.s3.server import KEY_ID, SECRET_KEY, S3Server, remote_store

KEY = "content/a/p_token.png"
LARGE = b"x" * 2**20


@pytest.fixture
def between(s3: S3Server) -> Iterator[Middleman]:
    with middleman(s3.account.endpoint) as server:
        yield server


@pytest.fixture
async def through(s3: S3Server, between: Middleman, layout: Layout) -> AsyncIterator[Remote]:
    async with remote_store(s3.behind(between.origin), layout) as remote:
        between.seen.clear()
        yield remote


async def create(remote: Remote, data: bytes = LARGE) -> None:
    await remote.objects.create(Area.PRIVATE, KEY, data, media_type="image/png")


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (said(503, "SlowDown"), "SlowDown"),
        (said(500, "InternalError"), "InternalError"),
        (said(429, "TooManyRequests"), "TooManyRequests"),
        (said(409, "ConditionalRequestConflict"), "ConditionalRequestConflict"),
        (said(403, "RequestTimeTooSkewed"), "clock"),
        (said(403, "AccessDenied"), "does not let us"),
        (said(403, "InvalidAccessKeyId"), "does not know our access key"),
        (said(403, "SignatureDoesNotMatch"), "secret key wrong"),
        (said(400, "BadDigest"), "BadDigest"),
        (said(502, "<html>"), "502"),
        (Trouble("resets"), "object store: "),
    ],
    ids=lambda value: getattr(value, "code", None),
)
async def test_trouble_makes_work_wait_and_is_told_in_our_words(
    through: Remote, between: Middleman, trouble: Trouble, told: str
) -> None:
    between.always = trouble
    with pytest.raises(TryLater) as later:
        await create(through)
    between.always = None
    assert told in later.value.detail
    assert "canary" not in f"{later.value!r} {later.value.detail} {later.value.__cause__}"
    with pytest.raises(TryLater):
        await through.objects.free_bytes()
    await create(through)
    assert await through.objects.free_bytes() is None


async def test_a_call_is_tried_once(through: Remote, between: Middleman) -> None:
    between.always = said(503, "SlowDown")
    with pytest.raises(TryLater):
        await create(through)
    assert len(between.seen) == 1


async def test_an_outage_is_not_hammered(through: Remote, between: Middleman) -> None:
    between.always = said(503, "SlowDown")
    for _ in range(3 * FAILURES):
        with pytest.raises(TryLater):
            await create(through)
    assert len(between.seen) == FAILURES


async def test_what_is_not_there_is_an_answer_and_no_trouble(
    through: Remote, between: Middleman
) -> None:
    for _ in range(2 * FAILURES):
        with pytest.raises(ObjectMissing):
            await through.objects.read(Area.PRIVATE, "content/a/nothing.png")
    assert len(between.seen) == 2 * FAILURES
    assert await through.objects.free_bytes() is None


@asynccontextmanager
async def impatient(
    s3: S3Server, clock: Callable[[], float] | None = None, *, limit_s: float = PATIENCE_S
) -> AsyncIterator[tuple[CreateOnly, Calls]]:
    async with s3_client(s3.account) as client:
        calls = Calls(client, limit_s=limit_s, pause_s=60, monotonic=clock or (lambda: 0.0))
        writer = CreateOnly(calls)
        writer.is_open = writer.knows_conditions = True
        yield writer, calls


async def test_a_store_that_hangs_is_given_up_in_time(s3: S3Server, between: Middleman) -> None:
    between.always = Trouble("hangs")
    async with impatient(s3.behind(between.origin), limit_s=0.5) as (writer, _):
        with pytest.raises(TryLater, match="TimeoutError"):
            await writer.read(Place("any", KEY))


async def test_after_the_pause_one_call_sees_whether_it_is_over(
    s3: S3Server, between: Middleman, layout: Layout
) -> None:
    now = [0.0]
    async with impatient(s3.behind(between.origin), lambda: now[0]) as (writer, _):
        between.always = said(503, "SlowDown")
        place = Place(layout.bucket, KEY)
        for _ in range(FAILURES + 5):
            with pytest.raises(TryLater):
                await writer.read(place)
        between.always = None
        with pytest.raises(TryLater, match="left alone"):
            await writer.read(place)
        now[0] = 61.0
        with pytest.raises(ObjectMissing):
            await writer.read(place)
    assert len(between.seen) == FAILURES + 1


async def test_a_call_that_we_cut_off_is_no_failure(s3: S3Server, between: Middleman) -> None:
    between.always = Trouble("hangs")
    async with impatient(s3.behind(between.origin)) as (writer, calls):
        for _ in range(2 * FAILURES):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.02):
                    await writer.read(Place("any", KEY))
        assert calls.trouble is None


async def test_logs_show_neither_credentials_nor_links(
    through: Remote, between: Middleman, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        link = await through.objects.sign(KEY, expires_s=60)
        between.next = [said(403, "SignatureDoesNotMatch")]
        with pytest.raises(TryLater):
            await create(through)
        await create(through)
    signature = link.partition("X-Amz-Signature=")[2]
    assert signature
    for secret in (KEY_ID, SECRET_KEY, signature, "AWS4-HMAC"):
        assert secret not in caplog.text


def test_an_account_does_not_show_its_secrets(s3: S3Server) -> None:
    assert SECRET_KEY not in repr(s3.account)
    assert KEY_ID not in repr(s3.account)
