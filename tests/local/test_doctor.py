"""Checks of a machine: each failure comes with a fix."""

import socket
from pathlib import Path

from deploy.local.doctor import Finding, State, examine
from deploy.local.lock import DirectoryLock
from deploy.local.paths import DataDirectory

# Whoever names servers of his own spares himself the trial of ours, which takes its time.
THEIRS = {"NATS_URL": "nats://127.0.0.1:1", "DATABASE_URL": "postgresql://u@127.0.0.1:1/db"}


async def findings(root: Path, **user: str) -> dict[str, Finding]:
    return {each.check: each for each in await examine(DataDirectory(root), user)}


async def test_finds_nothing_to_fix_where_the_tests_run(tmp_path: Path) -> None:
    found = await findings(tmp_path / "data")
    assert not [each for each in found.values() if each.state is State.FAILURE]
    assert not (tmp_path / "data").exists()


async def test_servers_of_the_user_that_do_not_answer_are_failures_with_a_fix(
    tmp_path: Path,
) -> None:
    found = await findings(tmp_path / "data", **THEIRS)
    for check in ("nats", "postgres"):
        assert found[check].state is State.FAILURE
        assert found[check].fix


async def test_a_port_that_the_user_wants_and_somebody_has_is_a_failure(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = await findings(tmp_path / "data", GATEWAY_PORT=str(port), **THEIRS)
    assert found["port"].state is State.FAILURE
    assert "GATEWAY_PORT" in found["port"].fix


async def test_a_directory_with_other_files_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    found = await findings(tmp_path, **THEIRS)
    assert found["data directory"].state is State.FAILURE


async def test_a_start_under_way_is_not_mistaken_for_a_failure(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    data.create()
    with DirectoryLock(data.lock_file):
        found = await findings(data.root, **THEIRS)
    assert found["running"].state is State.OK
    assert "starting or stopping" in found["running"].detail


async def test_an_endpoint_that_does_not_answer_is_a_failure(tmp_path: Path) -> None:
    data = DataDirectory(tmp_path / "data")
    data.create()
    data.endpoint_file.write_text('{"url": "http://127.0.0.1:1"}')
    with DirectoryLock(data.lock_file):
        found = await findings(data.root, **THEIRS)
    assert found["running"].state is State.FAILURE
    assert "gateway.log" in found["running"].fix


async def test_a_real_provider_without_a_judge_is_a_warning(tmp_path: Path) -> None:
    found = await findings(tmp_path / "data", AI_IMAGE_PROVIDER="modal_sdxl_lora", **THEIRS)
    assert found["images"].state is State.WARNING
