"""The embedded Postgres: private, crash-safe, and at home in awkward places."""

import os
import stat
from pathlib import Path

import asyncpg
import pytest

from deploy.local.postgres import EmbeddedPostgres, PostgresFailed
from tests.local.conftest import MakeData

UNSAFE = {"fsync": "off"}  # quicker; no test here pulls the plug


def mode_of(directory: str) -> int | None:
    path = Path(directory)
    return stat.S_IMODE(path.stat().st_mode) if path.exists() else None


async def ask(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_works_in_a_path_with_a_space_and_an_umlaut(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "Größe test" / "pg", settings=UNSAFE) as postgres:
        assert str(await ask(postgres.dsn(), "show server_version_num")).startswith("18")
        assert await ask(postgres.dsn(), "show data_checksums") == "on"
        assert await ask(postgres.dsn(), "show server_encoding") == "UTF8"


async def test_only_its_owner_reaches_it(tmp_path: Path, make_data: MakeData) -> None:
    make_data(tmp_path / "pg")
    async with EmbeddedPostgres(tmp_path / "pg", settings=UNSAFE) as postgres:
        assert await ask(postgres.dsn(), "show listen_addresses") == ""
        socket_dir = str(await ask(postgres.dsn(), "show unix_socket_directories"))
        assert mode_of(socket_dir) == 0o700
    assert mode_of(socket_dir) is None


async def test_comes_back_with_its_data_under_the_same_address_after_a_crash(
    tmp_path: Path, make_data: MakeData
) -> None:
    make_data(tmp_path / "pg")
    async with EmbeddedPostgres(tmp_path / "pg", settings=UNSAFE) as postgres:
        dsn = postgres.dsn()
        await ask(dsn, "create table kept as select 7 as n")
        await postgres.kill()
        assert not postgres.running
        await postgres.start()
        assert postgres.dsn() == dsn
        assert await ask(dsn, "select n from kept") == 7


async def test_takes_over_from_the_orphan_of_a_crashed_start(
    tmp_path: Path, make_data: MakeData
) -> None:
    make_data(tmp_path / "pg")
    orphan = EmbeddedPostgres(tmp_path / "pg", settings=UNSAFE)
    await orphan.start()
    try:
        async with EmbeddedPostgres(tmp_path / "pg", settings=UNSAFE) as postgres:
            assert await ask(postgres.dsn(), "select 1") == 1
            assert not orphan.running
    finally:
        await orphan.stop()


async def test_a_stale_pid_file_that_names_a_living_stranger_does_not_stop_it(
    tmp_path: Path, make_data: MakeData
) -> None:
    make_data(tmp_path / "pg")
    postgres = EmbeddedPostgres(tmp_path / "pg", settings=UNSAFE)
    await postgres.start()
    pid_file = tmp_path / "pg" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    await postgres.stop()
    pid_file.write_text("\n".join([str(os.getppid()), *lines[1:]]))
    async with postgres:
        assert await ask(postgres.dsn(), "select 1") == 1


async def test_an_interrupted_initialisation_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    half_done = tmp_path / ".pg-initdb-abc"
    half_done.mkdir()
    (half_done / "PG_VERSION").write_text("18")
    async with EmbeddedPostgres(tmp_path / "pg", settings=UNSAFE) as postgres:
        assert postgres.running
    assert not half_done.exists()


async def test_leaves_a_directory_with_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "thesis.txt").write_text("years of work")
    with pytest.raises(PostgresFailed, match="empty it"):
        await EmbeddedPostgres(tmp_path / "pg").start()
    assert [path.name for path in (tmp_path / "pg").iterdir()] == ["thesis.txt"]


async def test_a_setting_it_refuses_is_reported_in_its_own_words(
    tmp_path: Path, make_data: MakeData
) -> None:
    make_data(tmp_path / "pg")
    postgres = EmbeddedPostgres(tmp_path / "pg", settings={"max_connections": "many"})
    with pytest.raises(PostgresFailed, match="max_connections"):
        await postgres.start()
    assert not postgres.running
