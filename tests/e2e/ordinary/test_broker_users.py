"""Every process lives with its own user's permissions, and asks the broker for nothing else."""

import re
from pathlib import Path

from tests.e2e.system import System

REFUSED = re.compile(r"permissions violation|authorization violation|broker\.error", re.IGNORECASE)


def refusals(logs: Path) -> list[str]:
    """Lines in which the broker refuses something, or a service was refused."""
    return [
        f"{log.name}: {line}"
        for log in logs.glob("*.log")
        for line in log.read_text().splitlines()
        if REFUSED.search(line)
    ]


def test_a_batch_needs_nothing_that_a_user_may_not_do(atelier: System) -> None:
    logs = atelier.data / "logs"
    before = len(refusals(logs))
    avatar_id = atelier.avatar()
    task = atelier.finished(atelier.order(avatar_id, 6))
    assert task["counts"]["persisted"] == 6
    assert atelier.client.get("/content/health").json()["status"] == "ok"
    assert atelier.client.delete(f"/avatars/{avatar_id}").status_code == 200
    assert refusals(logs)[before:] == []


def test_no_process_but_its_own_has_a_users_seed(atelier: System) -> None:
    seeds = {
        file.stem: file.read_text().strip() for file in (atelier.data / "nats-users").glob("*.nk")
    }
    for name, seed in seeds.items():
        holders = {
            key.split(".")[0]
            for key, pid in atelier.endpoint["pids"].items()
            if seed.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        }
        assert holders == ({name} - {"operator", "outside"}), name
