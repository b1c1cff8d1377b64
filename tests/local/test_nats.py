"""The embedded broker: closed to strangers, steady in address and store."""

import asyncio
import stat
from pathlib import Path

import nats
import pytest

from deploy.local.nats import EmbeddedNats, NatsFailed


def modes_of_files_with(text: bytes, directory: Path) -> dict[str, int]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    return {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in files if text in path.read_bytes()
    }


async def test_works_in_a_path_with_a_space_an_umlaut_and_a_quote(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path / 'Größe "test"' / "nats") as broker:
        client = await nats.connect(broker.url)
        await client.jetstream().add_stream(name="S", subjects=["s"])
        await client.close()
    assert (tmp_path / 'Größe "test"' / "nats" / "store" / "jetstream").is_dir()


async def test_refuses_who_does_not_know_the_token(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker:
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(b'CONNECT {"auth_token":"wrong"}\r\nPING\r\n')
        assert b"Authorization Violation" in await asyncio.wait_for(reader.read(), 30)
        writer.close()


async def test_the_token_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker:
        token = broker.url.removeprefix("nats://").partition("@")[0]
    modes = modes_of_files_with(token.encode(), tmp_path)
    assert modes
    assert set(modes.values()) == {0o600}


async def test_comes_back_on_the_same_port_with_every_message_after_a_crash(
    tmp_path: Path,
) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker:
        url = broker.url
        client = await nats.connect(url)
        await client.jetstream().add_stream(name="S", subjects=["s"])
        await client.jetstream().publish("s", b"kept")
        await client.close()
        await broker.kill()
        await broker.start()
        assert broker.url == url
        client = await nats.connect(url)
        assert (await client.jetstream().get_last_msg("S", "s")).data == b"kept"
        await client.close()


async def test_takes_over_from_the_orphan_of_a_crashed_start(tmp_path: Path) -> None:
    orphan = EmbeddedNats(tmp_path / "nats")
    await orphan.start()
    async with EmbeddedNats(tmp_path / "nats") as broker:
        assert broker.running
        assert not orphan.running


async def test_the_limit_of_the_store_never_shrinks_between_starts(tmp_path: Path) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker:
        first = broker.store_limit_bytes
    filled = EmbeddedNats(tmp_path / "nats", free_bytes=lambda _: 1000)
    assert filled.store_limit_bytes == first


async def test_what_it_says_when_it_cannot_start_is_reported(tmp_path: Path) -> None:
    (tmp_path / "nats").mkdir()
    (tmp_path / "nats" / "store").write_text("a file where a directory should be")
    with pytest.raises(NatsFailed, match="storage directory is not a directory"):
        await EmbeddedNats(tmp_path / "nats").start()
