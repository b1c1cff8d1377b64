"""What a decision means: the rules, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.domain.reviews import (
    Decided,
    Outcome,
    check_complete,
    outcome_of,
    strictest,
)
from shared.content import BlockCategory, Rating
from shared.problems import Problem
from tests.builders import verdict

REVIEWED = (Rating.SAFE, Rating.SUGGESTIVE, Rating.BORDERLINE)


def approval(by: str = "key-1", rating: Rating | None = Rating.SAFE) -> Decided:
    return Decided("approve", by, rating=rating)


@pytest.mark.parametrize("rating", [None, Rating.REJECTED, Rating.EXPLICIT, Rating.PENDING_REVIEW])
def test_an_approval_says_what_the_piece_is(rating: Rating | None) -> None:
    with pytest.raises(Problem, match="rating_required"):
        check_complete(approval(rating=rating))


@pytest.mark.parametrize("reason", [None, ""])
def test_a_rejection_says_why(reason: str | None) -> None:
    with pytest.raises(Problem, match="reason_required"):
        check_complete(Decided("reject", "key-1", reason=reason))


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True), st.integers(1, 5))
def test_it_goes_on_when_enough_different_people_agree(people: list[str], needed: int) -> None:
    found = verdict(approvals_needed=needed)
    outcome = outcome_of(approval("z"), found, [approval(by) for by in people])
    assert (outcome is Outcome.GO_ON) == (len(people) + 1 >= needed)


@given(st.lists(st.sampled_from(["a", "b"]), min_size=1))
def test_nobody_approves_twice(people: list[str]) -> None:
    with pytest.raises(Problem, match="already_approved"):
        outcome_of(approval(people[0]), verdict(approvals_needed=5), [approval(p) for p in people])


@pytest.mark.parametrize("category", BlockCategory)
def test_an_absolute_block_can_only_be_rejected(category: BlockCategory) -> None:
    found = verdict(blocked=category)
    with pytest.raises(Problem, match="review_blocked"):
        outcome_of(approval(), found, [])
    rejected = outcome_of(Decided("reject", "key-1", reason="indeed"), found, [])
    assert rejected is Outcome.REJECT


@given(st.lists(st.sampled_from(REVIEWED), min_size=1))
def test_the_strictest_rating_counts(ratings: list[Rating]) -> None:
    assert REVIEWED.index(strictest(ratings)) == max(REVIEWED.index(each) for each in ratings)
