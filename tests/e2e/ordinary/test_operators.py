"""`./dev atelier`: keys and dead letters of a running Atelier, as an operator has them."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

import httpx2
from typer.testing import CliRunner

from cli.main import app
from deploy.local.command_line import told
from tests.e2e.neighbour import connected
from tests.e2e.system import ROOT, System
from tests.eventually import eventually

EARLY = "avatar.ready.default.not-yet"
BROKEN = "task.requested.default.broken"


def environment(atelier: System) -> dict[str, str]:
    """Ours, and where the data directory is; nothing of any broker."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("NATS_")}
    return {**kept, "PYTHONPATH": str(ROOT), "ATELIER_DATA": str(atelier.data)}


def by_launcher(atelier: System, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As the launcher starts it: a process that finds the running Atelier by itself."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.command_line", *arguments],
        env=environment(atelier),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


async def said(atelier: System, *arguments: str, exit_code: int = 0) -> tuple[str, str]:
    """What the same command line says, on stdout and on stderr; it needs no other process."""
    known = told(environment(atelier)) | {"COLUMNS": "200"}
    run = await asyncio.to_thread(CliRunner().invoke, app, list(arguments), env=known)
    assert run.exit_code == exit_code, run.output
    return run.stdout, run.stderr


async def letters(atelier: System) -> dict[str, dict[str, Any]]:
    """The dead letters of these tests by their subjects; others have left some too."""
    kept = json.loads((await said(atelier, "dlq", "list", "--json"))[0])
    return {letter["subject"]: letter for letter in kept if letter["subject"] in (EARLY, BROKEN)}


def opens(atelier: System, key: str) -> int:
    url = f"{atelier.endpoint['url']}/api/v1/avatars"
    return httpx2.get(url, headers={"X-API-Key": key}, trust_env=False).status_code


async def test_a_key_is_issued_used_listed_and_revoked(atelier: System) -> None:
    wishes = ("--scopes", "read", "--limit", "5/60", "--expires-days", "1")
    issued = by_launcher(atelier, "keys", "issue", "a reader", *wishes)
    assert issued.returncode == 0, issued.stderr
    key = issued.stdout.strip()
    assert key.startswith("atl_")
    assert "cannot be shown again" in issued.stderr
    assert opens(atelier, key) == 200

    listed = json.loads((await said(atelier, "keys", "list", "--json"))[0])
    [mine] = [each for each in listed if each["name"] == "a reader"]
    assert mine["scopes"] == ["read"]
    assert key.split("_", 2)[2] not in json.dumps(listed)
    assert "a reader" in (await said(atelier, "keys", "list"))[0]

    await said(atelier, "keys", "revoke", mine["key_id"], "--yes")
    assert opens(atelier, key) == 401


async def test_refusals_are_told_with_their_code(atelier: System) -> None:
    unknown = by_launcher(atelier, "keys", "revoke", "nobody", "--yes")
    assert (unknown.returncode, "key_not_found" in unknown.stderr) == (1, True)
    first = atelier.endpoint["api_key"].split("_")[1]
    _, words = await said(atelier, "keys", "revoke", first, "--yes", exit_code=1)
    assert "last_admin_key" in words


async def test_a_handover_that_came_too_early_is_sent_again_by_the_operator(
    atelier: System,
) -> None:
    async with connected(atelier) as other:
        early = {"avatar_id": "not-yet", "lora_weights_url": "loras/early.safetensors"}
        await other.publish(EARLY, early)
        await other.publish(BROKEN, b"{broken")

        async def both_are_kept() -> bool:
            return set(await letters(atelier)) == {EARLY, BROKEN}

        await eventually(both_are_kept, 60, every_s=0.1)
    kept = await letters(atelier)
    reasons = {subject: letter["reason"] for subject, letter in kept.items()}
    assert reasons == {EARLY: "avatar_not_found", BROKEN: "invalid_json"}
    assert "{broken" in (await said(atelier, "dlq", "show", kept[BROKEN]["id"]))[0]

    # The avatar exists by now, under the id that the training system knew.
    await atelier.rows(
        "insert into avatars (id, tenant, name, stage) values ('not-yet', 'default', 'Late', $1)"
        " returning id",
        "training",
    )
    sent = by_launcher(atelier, "dlq", "replay", kept[EARLY]["id"])
    assert sent.returncode == 0, sent.stderr

    async def is_ready() -> bool:
        avatar = atelier.client.get("/avatars/not-yet").json()
        return (avatar["stage"], avatar["lora_weights_url"]) == ("ready", early["lora_weights_url"])

    await eventually(is_ready, 60)
    await said(atelier, "dlq", "drop", kept[BROKEN]["id"], "--yes")
    assert await letters(atelier) == {}


async def test_the_broker_refused_nobody_what_they_need(atelier: System) -> None:
    assert "Permissions Violation" not in (atelier.data / "logs" / "nats.log").read_text()
