"""No code and no reason is used that its table does not know."""

import re
from typing import get_args

import pytest

from shared import reasons
from shared.problem_kinds import PROBLEM_KINDS, ProblemKind
from shared.strict_json import StrictJsonCode
from tests.errors import said_in_source
from tests.errors.said_in_source import Said

# They pass on codes that are written out elsewhere.
PASSING_ON = {
    "services/gateway/domain/endings.py",
    "services/gateway/handler/planning.py",
    "services/gateway/handler/problems.py",
    "services/ledger/adapters/pieces.py",
    "shared/problems.py",
}


@pytest.fixture(scope="module")
def problems() -> list[Said]:
    return said_in_source.problems()


def test_a_code_is_used_with_the_status_of_the_table(problems: list[Said]) -> None:
    coded = [(said, PROBLEM_KINDS.get(said.code)) for said in problems if said.code]
    assert len(coded) > 100
    assert [said for said, kind in coded if kind is None] == [], "put it into shared/problem_kinds"
    assert [said for said, kind in coded if kind and said.status != kind.status] == []


def test_codes_are_written_out_where_they_are_born(problems: list[Said]) -> None:
    passed_on = {one.file for one in problems if one.code is None or one.status is None}
    assert passed_on <= PASSING_ON


def test_every_code_is_born_somewhere(problems: list[Said]) -> None:
    literal = {one.code for one in problems}
    elsewhere = PROBLEM_KINDS.keys() - literal
    source = "".join(
        (said_in_source.ROOT / file).read_text(encoding="utf-8") for file in sorted(PASSING_ON)
    )
    assert {code for code in elsewhere if f'"{code}"' not in source} == set()


@pytest.mark.parametrize("kind", PROBLEM_KINDS.values(), ids=lambda kind: kind.code)
def test_a_code_is_plain_and_says_what_to_do(kind: ProblemKind) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert 400 <= kind.status < 600
    for sentence in (kind.meaning, kind.remedy):
        assert sentence.endswith(".")
        assert "|" not in sentence


def test_every_reason_to_end_a_piece_is_in_the_table() -> None:
    known = reasons.FAILED.keys() | reasons.REJECTED.keys()
    assert said_in_source.reasons_of_ends().keys() - known == set()


def test_every_reason_to_put_a_message_aside_is_in_the_table() -> None:
    said = said_in_source.first_words("BadInput", "Bury")
    assert said.keys() - reasons.DEAD_LETTERS.keys() == set()


def test_every_word_about_a_field_is_in_the_table() -> None:
    said = said_in_source.first_words("PydanticCustomError", under="services/gateway")
    assert said.keys() | set(get_args(StrictJsonCode)) == reasons.FIELDS.keys()
