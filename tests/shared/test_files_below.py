"""Looking at a directory while others are at work in it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.files import contents_below, files_below


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a", "b/c", "b/d"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_files_of_every_folder_are_found_and_nothing_else(root: Path) -> None:
    assert files_below(root) == [root / "a", root / "b" / "c", root / "b" / "d"]
    assert [data for _, data in contents_below(root)] == [b"a", b"b/c", b"b/d"]


def test_a_folder_that_vanishes_under_our_feet_is_left_out(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = os.scandir

    def vanishing(path: Any) -> Iterator[os.DirEntry[str]]:
        if Path(path) == root / "b":
            for name in ("c", "d"):
                (root / "b" / name).unlink()
            (root / "b").rmdir()
        return look(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert files_below(root) == [root / "a"]


def test_a_file_that_vanishes_before_it_is_read_is_left_out(root: Path) -> None:
    found = contents_below(root)
    assert next(found) == (root / "a", b"a")
    (root / "b" / "c").unlink()
    assert [path for path, _ in found] == [root / "b" / "d"]
