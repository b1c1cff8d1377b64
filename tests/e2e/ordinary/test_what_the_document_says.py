"""The running gateway does what its OpenAPI document says, whatever it is asked.

By its name the last of this directory: it orders at random and takes pictures down, so that others
which look the same are refused from then on.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.system import ROOT, System

LIMIT_S = 600
SEED = 20260501


@dataclass(frozen=True)
class Questions:
    """Which kinds of requests are made, how many of each kind, how many in all at least."""

    phases: tuple[str, ...]
    examples: int
    cases: int


FEW = Questions(("examples", "fuzzing", "stateful"), examples=4, cases=200)
MANY = Questions(("examples", "coverage", "fuzzing", "stateful"), examples=4, cases=200)


@dataclass(frozen=True)
class Known:
    """Things that exist, for questions that would otherwise find nothing."""

    ready_avatar: str
    spare_avatar: str
    task_id: str
    piece_id: str
    key_id: str
    key: str

    @property
    def environment(self) -> dict[str, str]:
        """What the hooks have to know."""
        return {
            "PYTHONPATH": str(ROOT),
            "CONFORMANCE_KEY_ID": self.key_id,
            "CONFORMANCE_READY_AVATAR": self.ready_avatar,
            "CONFORMANCE_SPARE_AVATAR": self.spare_avatar,
        }


CONFIGURATION = """\
seed = {seed}
continue-on-failure = true
headers = {{ X-API-Key = "{known.key}" }}
hooks = "tests.e2e.conformance_hooks"
parameters."path.avatar_id" = {{ dictionary = "avatars", probability = 0.5 }}
parameters."body.avatar_id" = {{ dictionary = "avatars", probability = 0.5 }}
parameters."path.task_id" = {{ dictionary = "tasks", probability = 0.3 }}
parameters."path.piece_id" = {{ dictionary = "pieces", probability = 0.5 }}

[generation]
max-examples = {questions.examples}
database = "none"

[dictionaries]
avatars = {{ values = ["{known.ready_avatar}", "{known.spare_avatar}"] }}
tasks = {{ values = ["{known.task_id}"] }}
pieces = {{ values = ["{known.piece_id}"] }}

[checks]
# These are documented: the work is not done in time, nobody answers, no provider can.
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 502, 503, 504]
# Business refuses much that a schema allows; a check of our own looks at what is called invalid.
positive_data_acceptance.enabled = false
"""


def known_things(atelier: System) -> Known:
    """Avatars, one with a finished piece, and a key that may ask as often as it wants."""
    avatar_id = atelier.avatar()
    task = atelier.finished(atelier.order(avatar_id, 1))
    [piece] = task["result"]["content_pieces"]
    answer = atelier.client.post(
        "/keys",
        json={
            "name": "conformance",
            "scopes": ["read", "write", "review", "admin"],
            "limit": {"requests": 1_000_000, "window_s": 1},
        },
    )
    assert answer.status_code == 201, answer.text
    key = answer.json()
    return Known(
        avatar_id, atelier.avatar(), task["task_id"], piece["id"], key["key_id"], key["key"]
    )


@pytest.mark.parametrize(
    "questions",
    [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.outage)],
)
def test_generated_requests_are_answered_as_the_document_says(
    atelier: System, tmp_path: Path, questions: Questions
) -> None:
    known = known_things(atelier)
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(seed=SEED, known=known, questions=questions))
    report = tmp_path / "report.json"
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            f"--config-file={configuration}",
            "run",
            f"{atelier.endpoint['url']}/api/v1/openapi.json",
            f"--phases={','.join(questions.phases)}",
            f"--report-json-path={report}",
            "--no-color",
        ],
        env={**os.environ, **known.environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        cwd=tmp_path,
    )
    assert run.returncode == 0, f"{run.stdout[-12000:]}\n{run.stderr[-2000:]}"
    told = json.loads(report.read_text())
    cases = told["test_cases"]["generated"]
    sys.stdout.write(f"\nschemathesis: {cases} cases in {told['running_time']:.0f} s\n")
    assert told["complete"]
    assert told["operations"]["tested"] == told["operations"]["total"]
    assert {phase: told["phases"][phase]["status"] for phase in questions.phases} == dict.fromkeys(
        questions.phases, "success"
    )
    assert cases >= questions.cases
