"""What a run has left is read as it was written, and nothing is guessed."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.audit import CannotJudge, Servers
from tests.audit.evidence import read_evidence

RUN = {"seed": 1, "began": 1.0, "ended": 2.0, "pieces": 3, "data_dir": "/x", "deadline_s": 60}
ORDER = {
    "at": 1.5,
    "key": "mine",
    "body_sha256": "ab",
    "status": 202,
    "task_id": "t",
    "num_pieces": 3,
}
REFUSED = {**ORDER, "status": 503}
UNANSWERED = {**ORDER, "status": None, "task_id": None}
ASKED = {
    "at": 1.6,
    "call": 7,
    "event": "asked",
    "request": {"seed": 1},
    "status": None,
    "sha256": None,
    "billed": False,
}
WRITTEN = {
    "at": 1.65,
    "call": 8,
    "event": "given",
    "texts": ["Salt on the skin."],
    "input_tokens": 400,
    "output_tokens": 90,
    "cost_usd_micros": None,
    "billed": True,
}
PROBE = {"at": 1.7, "url": "/objects/x", "status": 404, "bytes": 3, "sha256": None}
FAULT = {"at": 1.8, "kind": "kill", "target": "nats", "until": None}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Evidence of a run with one of everything."""
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    write(tmp_path, "orders", ORDER, REFUSED, UNANSWERED)
    write(tmp_path, "provider", ASKED)
    write(tmp_path, "captioner", WRITTEN)
    write(tmp_path, "probes", PROBE)
    write(tmp_path, "faults", FAULT)
    return tmp_path


def write(directory: Path, name: str, *lines: Mapping[str, object]) -> None:
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (directory / f"{name}.jsonl").write_text(text)


def test_everything_that_was_noted_is_read(directory: Path) -> None:
    evidence = read_evidence(directory)
    assert [order.accepted for order in evidence.orders] == [True, False, False]
    assert evidence.provider is not None
    assert evidence.provider[0].call == "7"
    assert evidence.captioner is not None
    assert (evidence.captioner[0].call, evidence.captioner[0].texts) == (
        "8",
        ("Salt on the skin.",),
    )
    assert evidence.probes[0].path == "/objects/x"
    assert evidence.faults[0].target == "nats"
    assert evidence.run.ended == 2.0


def test_half_a_last_line_is_what_a_killed_writer_leaves(directory: Path) -> None:
    with (directory / "faults.jsonl").open("a") as file:
        file.write('{"at": 1.9, "kind": "ki')
    assert len(read_evidence(directory).faults) == 1


def test_without_a_providers_log_nothing_is_said_about_providers(directory: Path) -> None:
    (directory / "provider.jsonl").unlink()
    assert read_evidence(directory).provider is None


@pytest.mark.parametrize("text", ["{}", "not json", '{"began": 1}'])
def test_a_run_without_its_frame_cannot_be_judged(directory: Path, text: str) -> None:
    (directory / "run.json").write_text(text)
    with pytest.raises(CannotJudge):
        read_evidence(directory)


def test_a_broken_line_is_not_passed_over(directory: Path) -> None:
    write(directory, "orders", {"at": 1.0})
    with pytest.raises(CannotJudge, match="KeyError"):
        read_evidence(directory)


def test_an_atelier_that_does_not_run_cannot_be_judged(tmp_path: Path) -> None:
    with pytest.raises(CannotJudge, match="no Atelier runs"):
        Servers.of(tmp_path)


def test_servers_never_show_their_secrets() -> None:
    servers = Servers("postgresql://u:secret@h/d", "nats://secret@h", Path("/o"), api_key="secret")
    assert "secret" not in repr(servers)


def test_the_command_says_when_it_cannot_judge(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.audit", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("cannot judge: ")
