"""`./dev atelier`: keys and dead letters of a running Atelier, as an operator has them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import pytest

from tests.e2e.neighbour import connected
from tests.e2e.system import ROOT, System, running
from tests.eventually import eventually


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("operators") / "data") as system:
        yield system


def atelier(system: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("NATS_")}
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.command_line", *arguments],
        env={**kept, "PYTHONPATH": str(ROOT), "ATELIER_DATA": str(system.data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def opens(system: System, key: str) -> int:
    url = f"{system.endpoint['url']}/api/v1/avatars"
    return httpx2.get(url, headers={"X-API-Key": key}, trust_env=False).status_code


async def test_a_key_is_issued_used_listed_and_revoked(system: System) -> None:
    wishes = ("--scopes", "read", "--limit", "5/60", "--expires-days", "1")
    issued = atelier(system, "keys", "issue", "a reader", *wishes)
    assert issued.returncode == 0, issued.stderr
    key = issued.stdout.strip()
    assert key.startswith("atl_")
    assert "cannot be shown again" in issued.stderr
    assert opens(system, key) == 200

    listed = json.loads(atelier(system, "keys", "list", "--json").stdout)
    [mine] = [each for each in listed if each["name"] == "a reader"]
    assert mine["scopes"] == ["read"]
    assert key.split("_", 2)[2] not in json.dumps(listed)
    assert "a reader" in atelier(system, "keys", "list").stdout

    revoked = atelier(system, "keys", "revoke", mine["key_id"], "--yes")
    assert revoked.returncode == 0, revoked.stderr
    assert opens(system, key) == 401


async def test_refusals_are_told_with_their_code(system: System) -> None:
    unknown = atelier(system, "keys", "revoke", "nobody", "--yes")
    assert (unknown.returncode, "key_not_found" in unknown.stderr) == (1, True)
    first = system.endpoint["api_key"].split("_")[1]
    last = atelier(system, "keys", "revoke", first, "--yes")
    assert (last.returncode, "last_admin_key" in last.stderr) == (1, True)


async def test_a_handover_that_came_too_early_is_sent_again_by_the_operator(
    system: System,
) -> None:
    async with connected(system) as other:
        early = {"avatar_id": "not-yet", "lora_weights_url": "loras/early.safetensors"}
        await other.publish("avatar.ready.default.not-yet", early)
        await other.publish("task.requested.default.broken", b"{broken")

        async def both_are_kept() -> bool:
            return len(json.loads(atelier(system, "dlq", "list", "--json").stdout)) == 2

        await eventually(both_are_kept, timeout_s=20)
    letters = json.loads(atelier(system, "dlq", "list", "--json").stdout)
    by_reason = {letter["reason"]: letter["id"] for letter in letters}
    assert set(by_reason) == {"avatar_not_found", "invalid_json"}
    assert "{broken" in atelier(system, "dlq", "show", by_reason["invalid_json"]).stdout

    # The avatar exists by now, under the id that the training system knew.
    await system.rows(
        "insert into avatars (id, tenant, name, stage) values ('not-yet', 'default', 'Late', $1)"
        " returning id",
        "training",
    )
    sent = atelier(system, "dlq", "replay", by_reason["avatar_not_found"])
    assert sent.returncode == 0, sent.stderr

    async def is_ready() -> bool:
        avatar = system.client.get("/avatars/not-yet").json()
        return (avatar["stage"], avatar["lora_weights_url"]) == ("ready", early["lora_weights_url"])

    await eventually(is_ready, timeout_s=20)
    assert atelier(system, "dlq", "drop", by_reason["invalid_json"], "--yes").returncode == 0
    assert json.loads(atelier(system, "dlq", "list", "--json").stdout) == []


async def test_the_broker_refused_nobody_what_they_need(system: System) -> None:
    assert "Permissions Violation" not in (system.data / "logs" / "nats.log").read_text()
