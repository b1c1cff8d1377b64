"""Write golden files and shapes for facts that are new or have gained a field.

Run `python -m tests.contracts.write_golden` after changing a fact and its sample in `samples.py`,
and commit what it writes. It never touches a golden file that exists, and no shape of a fact whose
change is not additive.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.events import FACTS, Fact
from tests.contracts import schema_files
from tests.contracts.golden_files import newest, path_of
from tests.contracts.samples import least, sample_of


def main() -> int:
    """Write what is missing and name it; 1 if a fact has changed in a way that breaks others."""
    broken = [promise for fact in FACTS for promise in _write_shape(fact)]
    sys.stderr.writelines(f"{promise}\n" for promise in broken)
    if broken:
        return 1
    _write_samples()
    return 0


def _write_shape(fact: type[Fact]) -> list[str]:
    old, new = schema_files.published(fact), schema_files.shape_of(fact)
    broken = [] if old is None else list(schema_files.broken_promises(old, new))
    if not broken and old != new:
        _write(schema_files.path_of(fact), new)
    return [f"{fact.NAME}: {promise}" for promise in broken]


def _write_samples() -> None:
    for fact in FACTS:
        sample = sample_of(fact)
        said = sample.model_dump(mode="json")
        last = newest(fact)
        if last is not None and last.read() == said:
            continue
        edition = 1 if last is None else last.edition + 1
        _write(path_of(fact, edition), said)
        _write(path_of(fact, edition, is_least=True), least(type(sample), said))


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    sys.exit(main())
