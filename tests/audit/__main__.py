"""`python -m tests.audit EVIDENCE_DIR [--json]`: 0 clean, 1 violated, 2 cannot judge."""

import argparse
import asyncio
import sys
from pathlib import Path

from tests.audit.judging import judge
from tests.audit.servers import CannotJudge

CLEAN, VIOLATED, CANNOT_JUDGE = range(3)


def main() -> int:
    """Judge what the arguments name, print the report, give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.audit", description=__doc__)
    parser.add_argument("evidence", type=Path, help="directory that a run has left")
    parser.add_argument("--json", action="store_true", help="everything, as JSON")
    parser.add_argument("--patience", type=float, default=15.0, help="seconds to wait for ends")
    parser.add_argument("--facts-lost", action="store_true", help="the broker lost its store")
    parser.add_argument(
        "--verdict-key", action="append", metavar="HEX", help="public key whose verdicts count"
    )
    arguments = parser.parse_args()
    try:
        report = asyncio.run(
            judge(
                arguments.evidence,
                patience_s=arguments.patience,
                facts_lost=arguments.facts_lost,
                verdict_keys=arguments.verdict_key,
            )
        )
    except CannotJudge as exc:
        sys.stderr.write(f"cannot judge: {exc}\n")
        return CANNOT_JUDGE
    sys.stdout.write(f"{report.as_json() if arguments.json else report.as_table()}\n")
    return CLEAN if report.clean else VIOLATED


if __name__ == "__main__":
    sys.exit(main())
