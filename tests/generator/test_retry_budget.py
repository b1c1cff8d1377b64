"""Retries are a share of all calls."""

from hypothesis import given
from hypothesis import strategies as st

from services.generator.domain.retry_budget import RetryBudget


def test_an_outage_costs_the_reserve_and_then_the_share() -> None:
    budget = RetryBudget(share=0.2, reserve=10)
    retries = 0
    for _ in range(1_000):
        budget.earn()
        while budget.spend():
            retries += 1
    assert 200 <= retries <= 210


def test_a_few_failures_among_many_calls_are_all_tried_again() -> None:
    budget = RetryBudget(share=0.2, reserve=10)
    spent = []
    for number in range(1_000):
        budget.earn()
        if number % 10 == 0:
            spent.append(budget.spend())
    assert all(spent)


@given(st.lists(st.booleans(), max_size=400))
def test_never_more_than_reserve_and_share(calls: list[bool]) -> None:
    budget = RetryBudget(share=0.25, reserve=3)
    made = retried = 0
    for is_call in calls:
        if is_call:
            budget.earn()
            made += 1
        else:
            retried += budget.spend()
        assert retried <= 3 + made * 0.25
