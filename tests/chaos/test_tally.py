"""What the stages did is counted in their logs, whatever a kill has left of the last line."""

import json
from pathlib import Path

from tests.chaos.tally import count_logs


def line(**fields: object) -> str:
    return f"generator.1 | {json.dumps(fields)}"


def test_outcomes_and_bugs_are_counted_over_all_logs_and_their_predecessors(tmp_path: Path) -> None:
    settled = {"event": "stage.settled"}
    (tmp_path / "generator.log").write_text(
        "\n".join(
            (
                line(**settled, outcome="done", deliveries=1),
                line(**settled, outcome="finished_before", deliveries=2),
                "generator.1 | ended by signal SIGKILL; starting again in 0.1 s",
                line(event="stage.bug"),
                'generator.1 | {"event": "stage.settled", "outc',
            )
        )
    )
    (tmp_path / "hooks.log.1").write_text(
        line(**settled, outcome="somebody_was_first", deliveries=3) + "\n"
    )
    counts = count_logs(tmp_path)
    assert counts["redelivered"] == 2
    assert counts["finished_before"] == 1
    assert counts["somebody_was_first"] == 1
    assert counts["stage.bug"] == 1
