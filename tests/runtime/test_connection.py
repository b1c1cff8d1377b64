"""A service knows when its broker refuses it, and says so."""

import asyncio
import re
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nats.errors import Error as NatsError
from pydantic import SecretStr
from structlog.testing import capture_logs

from deploy.local.nats import binary
from shared.service import open_service
from shared.settings import ServiceSettings
from tests.eventually import eventually

CONFIG = """
listen: "127.0.0.1:-1"
jetstream {{ store_dir: "{directory}/store" }}
authorization {{
  users = [
    {{ user: "anyone", password: "{password}" }}
    {{ user: "reader", password: "secret", permissions: {{ publish: {{ deny: "content.>" }} }} }}
  ]
}}
"""


@dataclass
class GuardedBroker:
    """A broker with users, whose rules may change under its clients."""

    directory: Path
    process: subprocess.Popen[bytes]
    port: int

    def url(self, user: str, password: str = "secret") -> str:
        return f"nats://{user}:{password}@127.0.0.1:{self.port}"

    def change_password(self) -> None:
        configure(self.directory, password="other")
        self.process.send_signal(signal.SIGHUP)


def configure(directory: Path, *, password: str) -> Path:
    path = directory / "nats.conf"
    path.write_text(CONFIG.format(directory=directory, password=password))
    return path


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[GuardedBroker]:
    config, log_file = configure(tmp_path, password="secret"), tmp_path / "log"
    with log_file.open("wb") as log:
        process = subprocess.Popen([binary(), "--config", config], stderr=log)  # noqa: ASYNC220
    try:
        await eventually(lambda: "Server is ready" in log_file.read_text())
        [port] = re.findall(r"client connections on [\d.]+:(\d+)", log_file.read_text())
        yield GuardedBroker(tmp_path, process, int(port))
    finally:
        process.kill()
        process.wait()


def settings(url: str) -> ServiceSettings:
    return ServiceSettings(nats_url=SecretStr(url))


async def test_a_permission_that_is_missing_shows_in_the_log(guarded: GuardedBroker) -> None:
    def refused() -> bool:
        return any(line["event"] == "broker.error" for line in lines)

    with capture_logs() as lines:
        async with open_service("tests", settings(guarded.url("reader"))) as service:
            with pytest.raises((NatsError, TimeoutError)):
                await service.js.publish("content.requested", b"{}", timeout=0.3)
            await eventually(refused)
    [line] = [line for line in lines if line["event"] == "broker.error"]
    assert 'permissions violation for publish to "content.requested"' in line["error"].lower()


async def test_wrong_credentials_stop_the_start_with_the_key_to_blame(
    guarded: GuardedBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        async with open_service("tests", settings(guarded.url("anyone", "hunter2"))):
            pass
    assert exit_info.value.code == 2
    said = capsys.readouterr().err
    assert "NATS_URL" in said
    assert "hunter2" not in said


async def test_a_service_that_was_thrown_out_ends_so_that_another_can_begin(
    guarded: GuardedBroker,
) -> None:
    async with open_service("tests", settings(guarded.url("anyone"))) as service:
        asyncio.get_running_loop().call_later(0.3, guarded.change_password)
        with pytest.raises(SystemExit) as exit_info:
            await service.serve()
    assert exit_info.value.code == 1


async def test_a_service_that_leaves_by_itself_was_not_thrown_out(guarded: GuardedBroker) -> None:
    async with open_service("tests", settings(guarded.url("anyone"))) as service:
        pass
    assert not service.broker.lost.is_set()
