"""Leaving root behind, where Postgres asks for it."""

import os
from pathlib import Path

import pytest

from deploy.local.postgres import binaries
from deploy.local.privileges import CannotLeaveRoot, Descent, choose_descent


def test_an_ordinary_user_runs_postgres_as_is(tmp_path: Path) -> None:
    assert choose_descent(Path("/bin/false"), tmp_path / "pg", uid=1000) == Descent()


def test_root_without_a_way_down_is_told_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CannotLeaveRoot, match="DATABASE_URL"):
        choose_descent(Path("/bin/false"), tmp_path / "pg", uid=0)


def test_whoever_runs_the_tests_has_a_way_and_owns_the_files(tmp_path: Path) -> None:
    descent = choose_descent(binaries() / "postgres", tmp_path / "pg")
    (tmp_path / "pg").mkdir()
    (tmp_path / "pg" / "file").touch()
    descent.own(tmp_path / "pg")
    owner = descent.owner or (os.geteuid(), os.getegid())
    stat = (tmp_path / "pg" / "file").stat()
    assert (stat.st_uid, stat.st_gid) == owner
