"""Users of the embedded broker: keys of their own, kept, private, and given to nobody else."""

import asyncio
import stat
from pathlib import Path

import pytest

from deploy.local.nats import EmbeddedNats
from deploy.local.nats_users import NatsUsers
from deploy.local.ports import DoorSocket
from deploy.local.wiring import Wiring
from shared.permissions import SERVICES
from shared.topology import Topology
from tests.local.test_nats import modes_of_files_with

NAMES = [role.name for role in SERVICES]


def users_in(directory: Path, namespace: str = "") -> NatsUsers:
    return NatsUsers.kept_in(directory, Topology(namespace))


def test_everybody_has_a_key_of_its_own(tmp_path: Path) -> None:
    users = users_in(tmp_path)
    everybody = {*NAMES, "operator", "outside"}
    assert {user.name for user in users.users} == everybody
    assert len({user.public_key for user in users.users}) == len(everybody)
    assert len({users.seed(name) for name in everybody}) == len(everybody)


def test_keys_survive_a_restart(tmp_path: Path) -> None:
    assert users_in(tmp_path) == users_in(tmp_path)


async def test_a_seed_lies_in_its_own_private_file_and_nowhere_else(tmp_path: Path) -> None:
    users = users_in(tmp_path / "users")
    async with EmbeddedNats(tmp_path / "nats", users=users.users):
        for name, file in users.seed_files.items():
            found = modes_of_files_with(users.seed(name).encode(), tmp_path)
            assert found == {file.name: 0o600}
    assert stat.S_IMODE((tmp_path / "users").stat().st_mode) == 0o700


async def test_the_token_that_opens_everything_is_not_accepted_beside_users(
    tmp_path: Path,
) -> None:
    async with EmbeddedNats(tmp_path / "nats") as broker:
        token = broker.url.removeprefix("nats://").partition("@")[0]
    users = users_in(tmp_path / "users").users
    async with EmbeddedNats(tmp_path / "nats", users=users) as broker:
        assert broker.url == f"nats://127.0.0.1:{broker.port}"
        reader, writer = await asyncio.open_connection("127.0.0.1", broker.port)
        writer.write(f'CONNECT {{"auth_token":"{token}"}}\r\nPING\r\n'.encode())
        assert b"Authorization Violation" in await asyncio.wait_for(reader.read(), 30)
        writer.close()


@pytest.mark.parametrize("service", NAMES)
def test_a_service_is_given_its_own_seed_and_no_other(tmp_path: Path, service: str) -> None:
    users = users_in(tmp_path)
    door = DoorSocket({})
    door.open()
    wiring = Wiring(
        user={},
        nats_url="nats://127.0.0.1:4222",
        nats_users=users,
        database_url="postgresql://u@127.0.0.1/db",
        objects_dir=tmp_path,
        link_signing_key="00",
        safety_signing_key="00" * 32,
        door=door,
    )
    environment = wiring.environment(service)
    door.close()
    assert environment["NATS_NKEY_SEED"] == users.seed(service)
    others = {users.seed(name) for name in users.seed_files if name != service}
    assert not others & set(environment.values())


def test_permissions_follow_the_namespace(tmp_path: Path) -> None:
    for user in users_in(tmp_path, "staging").users:
        for subject in user.permissions.publish:
            assert "staging" in subject.lower() or subject in {
                "$JS.API.INFO",
                "$JS.API.STREAM.NAMES",
                "$JS.API.STREAM.LIST",
            }, subject
