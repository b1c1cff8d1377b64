"""Write golden files for facts that are new or have gained a field.

Run `python -m tests.contracts.write_golden` after changing a fact and its sample in `samples.py`,
and commit what it writes. It never touches a file that exists.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.contracts.golden_files import newest, path_of
from tests.contracts.samples import least, samples


def main() -> None:
    """Write what is missing and name it."""
    for sample in samples():
        fact, said = type(sample), sample.model_dump(mode="json")
        last = newest(fact)
        if last is not None and last.read() == said:
            continue
        edition = 1 if last is None else last.edition + 1
        _write(path_of(fact, edition), said)
        _write(path_of(fact, edition, is_least=True), least(fact, said))


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
