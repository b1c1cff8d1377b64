"""The auditor imports nothing of the product, and its own modules only."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
AUDITOR = sorted(
    path
    for path in HERE.glob("*.py")
    if not path.name.startswith("test_")
    and path.name not in {"worlds.py", "reviewed_worlds.py", "spoiling.py"}
)
ALLOWED = {"PIL", "asyncpg", "c2pa", "nacl", "nats", "numpy"}


def imported(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a module comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", AUDITOR, ids=lambda path: path.name)
def test_a_module_of_the_auditor_knows_only_the_outside(path: Path) -> None:
    for name in imported(path.read_text()):
        root = name.partition(".")[0]
        is_ours = name.startswith("tests.audit.") and not name.startswith("tests.audit.planted")
        assert is_ours or name == "tests.audit" or root in ALLOWED | sys.stdlib_module_names, name


def test_there_is_an_auditor() -> None:
    assert {"evidence.py", "judging.py", "money.py", "pieces_end.py"} <= {
        path.name for path in AUDITOR
    }
