"""The readers see the broker and the directory as they are, hidden things included."""

import hashlib
from pathlib import Path

import pytest
from nats.js import JetStreamContext

from deploy.local.nats import EmbeddedNats
from shared.blobs import JetStreamBlobs
from shared.topology import Topology
from tests.audit import CannotJudge, Servers
from tests.audit.objects import read_objects
from tests.audit.pictures import Gallery
from tests.audit.stored_messages import BATCH, stored_messages
from tests.audit.streams import read_streams


@pytest.fixture
def servers(nats_server: EmbeddedNats, topology: Topology, tmp_path: Path) -> Servers:
    """The broker of the session, with this test's own streams."""
    return Servers("", nats_server.url, tmp_path, namespace=topology.namespace)


async def test_a_stream_is_read_to_its_end_however_long_it_is(
    js: JetStreamContext, provisioned: Topology
) -> None:
    root = f"{provisioned.namespace}.content.stored.default.task"
    for nth in range(BATCH + 5):
        await js.publish(f"{root}.piece-{nth}.1", b"{}")
    stream = f"{provisioned.namespace.upper()}_CONTENT_STORED"
    found = await stored_messages(js._nc, stream, f"{root}.>")  # noqa: SLF001
    assert [each.sequence for each in found] == list(range(1, BATCH + 6))
    assert found[-1].at == pytest.approx(found[0].at, abs=60)
    assert await stored_messages(js._nc, stream, "nothing.>") == []  # noqa: SLF001


async def test_facts_queues_and_what_cannot_be_parsed_are_all_seen(
    js: JetStreamContext, provisioned: Topology, servers: Servers
) -> None:
    place = "default.task.piece.1"
    await js.publish(f"{provisioned.namespace}.content.hooked.{place}", b'{"run": 1}')
    await js.publish(f"{provisioned.namespace}.content.halted.{place}", b"no json")
    await js.publish(f"{provisioned.namespace}.dead.letter.step.1.ab", b'{"reason": "why"}')
    streams = await read_streams(servers)
    assert {(each.fact, each.tokens, dict(each.body).get("run")) for each in streams.facts} == {
        ("content.hooked", ("default", "task", "piece", "1"), 1),
        ("content.halted", ("default", "task", "piece", "1"), None),
    }
    waiting = {queue.durable: queue.waiting for queue in streams.queues}
    assert waiting["content-moderated"] == 1
    assert waiting["content-stored"] == 0
    assert [letter.body["reason"] for letter in streams.dead_letters] == ["why"]


async def test_staging_lists_what_is_there_and_not_what_was_deleted(
    js: JetStreamContext, provisioned: Topology, servers: Servers
) -> None:
    bucket = provisioned.bucket("staging")
    blobs = JetStreamBlobs(js, bucket)
    kept = await blobs.put("kept/1", b"x" * (2**20 + 1), media_type="image/png")
    await blobs.delete(await blobs.put("cleared/1", b"y", media_type="image/png"))
    streams = await read_streams(servers)
    assert [(each.piece_id, each.name, each.chunks) for each in streams.staged] == [
        ("kept", f"kept/1/{kept.sha256}", 2)
    ]


async def test_a_broker_without_our_streams_cannot_be_judged(servers: Servers) -> None:
    with pytest.raises(CannotJudge):
        await read_streams(servers)


async def test_every_file_is_hashed_wherever_it_lies(tmp_path: Path) -> None:
    for path in ("public/content/a/p_t.png", "review/content/a/.p.png.12.part", "stray.png"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
    found = {(each.area, each.key): each for each in await read_objects(tmp_path, Gallery())}
    assert set(found) == {
        ("public", "content/a/p_t.png"),
        ("review", "content/a/.p.png.12.part"),
        ("", "stray.png"),
    }
    delivered = found["public", "content/a/p_t.png"]
    assert delivered.sha256 == hashlib.sha256(b"public/content/a/p_t.png").hexdigest()
    assert [each.is_hidden for each in found.values()].count(True) == 1


async def test_a_directory_that_is_not_there_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge):
        await read_objects(tmp_path / "nowhere", Gallery())
