"""One behaviour for every blob store: the one on the broker and the one that tests use."""

import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StreamConfig

from shared.blobs import (
    CHUNK_BYTES,
    BlobMissing,
    BlobStore,
    JetStreamBlobs,
    blob_stream,
    blob_subjects,
)
from shared.outcomes import TryLater
from shared.topology import Topology
from tests.builders import blob
from tests.fakes import MemoryBlobs

PNG = "image/png"


@pytest.fixture
async def bucket(js: JetStreamContext, topology: Topology) -> AsyncIterator[str]:
    name = topology.bucket("blobs")
    await js.add_stream(
        StreamConfig(
            name=blob_stream(name),
            subjects=[blob_subjects(name)],
            discard=DiscardPolicy.NEW,
            max_bytes=64 * 2**20,
            allow_direct=True,
        )
    )
    yield name
    await js.delete_stream(blob_stream(name))


@pytest.fixture(params=["jetstream", "memory"])
def store(request: pytest.FixtureRequest) -> BlobStore:
    if request.param == "memory":
        return MemoryBlobs()
    return JetStreamBlobs(request.getfixturevalue("js"), request.getfixturevalue("bucket"))


@pytest.mark.parametrize("size", [0, 1, 2**20, 1_500_000, 9 * 2**20])
async def test_bytes_come_back_as_they_were(store: BlobStore, size: int) -> None:
    data = os.urandom(size)
    ref = await store.put("piece/1", data, media_type=PNG)
    assert await store.holds(ref)
    assert (ref.size, ref.media_type) == (size, PNG)
    assert await store.get(ref) == data


async def test_the_same_bytes_twice_are_one_blob(store: BlobStore) -> None:
    first, second = [await store.put("piece/1", b"same", media_type=PNG) for _ in range(2)]
    assert first == second
    assert await store.get(first) == b"same"


async def test_a_late_twin_with_other_bytes_never_overwrites(store: BlobStore) -> None:
    first = await store.put("piece/1", b"first", media_type=PNG)
    late = await store.put("piece/1", b"late", media_type=PNG)
    assert first.uri != late.uri
    assert await store.get(first) == b"first"
    assert await store.get(late) == b"late"


async def test_other_bytes_than_the_claim_check_names_are_missing(store: BlobStore) -> None:
    ref = await store.put("piece/1", b"true", media_type=PNG)
    with pytest.raises(BlobMissing):
        await store.get(ref.model_copy(update={"sha256": "0" * 64}))


async def test_a_claim_check_of_another_place_is_missing(store: BlobStore) -> None:
    elsewhere = blob(uri="elsewhere://bucket/key")
    assert not await store.holds(elsewhere)
    with pytest.raises(BlobMissing):
        await store.get(elsewhere)


async def test_what_was_deleted_is_missing_at_once(store: BlobStore) -> None:
    ref = await store.put("piece/1", b"gone", media_type=PNG)
    await store.delete(ref)
    started = time.monotonic()
    assert not await store.holds(ref)
    with pytest.raises(BlobMissing):
        await store.get(ref)
    assert time.monotonic() - started < 4.0


async def test_names_tell_what_is_there_and_are_enough_to_forget_it(store: BlobStore) -> None:
    first, second = [
        await store.put(name, os.urandom(1_500_000), media_type=PNG) for name in ("p/1", "p/2")
    ]
    names = {f"p/1/{first.sha256}", f"p/2/{second.sha256}"}
    assert set(await store.names()) == names
    await store.forget(f"p/1/{first.sha256}")
    assert not await store.holds(first)
    assert set(await store.names()) == {f"p/2/{second.sha256}"}


async def test_forgetting_twice_is_fine(store: BlobStore) -> None:
    ref = await store.put("piece/1", b"gone", media_type=PNG)
    await asyncio.gather(store.delete(ref), store.delete(ref))
    await store.delete(ref)


async def test_what_was_deleted_can_be_put_again(store: BlobStore) -> None:
    ref = await store.put("piece/1", b"again", media_type=PNG)
    await store.delete(ref)
    assert await store.put("piece/1", b"again", media_type=PNG) == ref
    assert await store.get(ref) == b"again"


async def test_twins_may_put_the_same_bytes_while_others_read_them(store: BlobStore) -> None:
    data = os.urandom(2_500_000)
    ref = await store.put("piece/1", data, media_type=PNG)
    puts = [store.put("piece/1", data, media_type=PNG) for _ in range(4)]
    reads = [store.get(ref) for _ in range(4)]
    outcomes = await asyncio.gather(*puts, *reads)
    assert outcomes == [ref] * 4 + [data] * 4


async def test_twins_that_put_for_the_first_time_make_one_blob(
    js: JetStreamContext, bucket: str
) -> None:
    store, data = JetStreamBlobs(js, bucket), os.urandom(2_500_000)
    refs = await asyncio.gather(*(store.put("piece/1", data, media_type=PNG) for _ in range(4)))
    assert len(set(refs)) == 1
    assert await store.get(refs[0]) == data
    assert (await js.stream_info(blob_stream(bucket))).state.messages == 3


async def test_a_twin_that_comes_later_writes_nothing(js: JetStreamContext, bucket: str) -> None:
    store = JetStreamBlobs(js, bucket)
    await store.put("piece/1", b"same", media_type=PNG)
    before = (await js.stream_info(blob_stream(bucket))).state.last_seq
    await store.put("piece/1", b"same", media_type=PNG)
    assert (await js.stream_info(blob_stream(bucket))).state.last_seq == before


async def test_a_put_that_was_cut_off_is_completed_by_the_next(
    js: JetStreamContext, bucket: str
) -> None:
    store, data = JetStreamBlobs(js, bucket), os.urandom(CHUNK_BYTES + 1)
    ref = await store.put("piece/1", data, media_type=PNG)
    await js.purge_stream(blob_stream(bucket), subject=f"blob.{bucket}.piece.1.{ref.sha256}.0")
    assert not await store.holds(ref)
    assert await store.put("piece/1", data, media_type=PNG) == ref
    assert await store.get(ref) == data


@pytest.mark.parametrize("name", ["", "p/*", "p/>", "p.1", "p//1", "p/1/", "p 1", "p/ü"])
async def test_a_name_that_could_mean_other_blobs_is_refused(
    js: JetStreamContext, bucket: str, name: str
) -> None:
    store = JetStreamBlobs(js, bucket)
    with pytest.raises(ValueError):
        await store.put(name, b"x", media_type=PNG)
    ref = blob(uri=f"jetstream://{bucket}/{name}")
    with pytest.raises(BlobMissing):
        await store.delete(ref)


async def test_deleting_a_blob_leaves_those_of_longer_and_shorter_names(
    js: JetStreamContext, bucket: str
) -> None:
    store = JetStreamBlobs(js, bucket)
    kept = [await store.put(name, b"x", media_type=PNG) for name in ("p/1", "p/11", "p/1/1")]
    gone = await store.put("p/1", b"gone", media_type=PNG)
    await store.delete(gone)
    assert not await store.holds(gone)
    assert all([await store.holds(ref) for ref in kept])


async def test_bytes_that_vanish_under_the_reader_are_missing_and_no_hang(
    js: JetStreamContext, bucket: str
) -> None:
    store = JetStreamBlobs(js, bucket)
    ref = await store.put("piece/1", os.urandom(2_500_000), media_type=PNG)
    await js.purge_stream(blob_stream(bucket), subject=f"blob.{bucket}.piece.1.*.2")
    started = time.monotonic()
    with pytest.raises(BlobMissing):
        await store.get(ref)
    assert time.monotonic() - started < 4.0


async def test_a_full_bucket_says_try_later_and_keeps_no_scraps(
    js: JetStreamContext, bucket: str
) -> None:
    config = (await js.stream_info(blob_stream(bucket))).config
    await js.update_stream(config.evolve(max_bytes=2_000_000))
    with pytest.raises(TryLater):
        await JetStreamBlobs(js, bucket).put("p/1", os.urandom(3_000_000), media_type=PNG)
    assert (await js.stream_info(blob_stream(bucket))).state.messages == 0


async def test_a_full_bucket_can_be_emptied_and_has_room_again(
    js: JetStreamContext, bucket: str
) -> None:
    store = JetStreamBlobs(js, bucket)
    ref = await store.put("p/1", os.urandom(1_500_000), media_type=PNG)
    stream = await js.stream_info(blob_stream(bucket))
    await js.update_stream(stream.config.evolve(max_bytes=stream.state.bytes))
    with pytest.raises(TryLater):
        await store.put("p/2", b"no room", media_type=PNG)
    await store.delete(ref)
    assert (await js.stream_info(blob_stream(bucket))).state.messages == 0
    await store.put("p/2", b"room", media_type=PNG)


async def test_who_deletes_again_after_a_crash_finishes_the_work(
    js: JetStreamContext, bucket: str
) -> None:
    store = JetStreamBlobs(js, bucket)
    ref = await store.put("p/1", os.urandom(2_500_000), media_type=PNG)
    await js.purge_stream(blob_stream(bucket), subject=f"blob.{bucket}.p.1.*.0")
    await store.delete(ref)
    assert (await js.stream_info(blob_stream(bucket))).state.messages == 0


@pytest.mark.parametrize("action", ["put", "get", "delete"])
async def test_a_bucket_that_does_not_exist_is_not_a_missing_blob(
    js: JetStreamContext, action: str
) -> None:
    store = JetStreamBlobs(js, "nowhere")
    ref = blob(uri="jetstream://nowhere/p/1/x")
    with pytest.raises(TryLater):
        await (
            store.put("p/1", b"x", media_type=PNG)
            if action == "put"
            else getattr(store, action)(ref)
        )
