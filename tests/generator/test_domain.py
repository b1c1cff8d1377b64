"""How the generator reacts to failing providers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generator.domain.failures import Reaction, RetryPolicy, reaction_to

POLICY = RetryPolicy(max_retries=3, backoff_base_s=1.0)
EVERY_CODE = (
    "LORA_DOWNLOAD_FAILED",
    "LORA_LOAD_FAILED",
    "MODEL_LOAD_FAILED",
    "CUDA_OOM",
    "INVALID_PROMPT",
    "GENERATION_FAILED",
    "TIMEOUT",
    "CONNECTION",
    "SERVER_ERROR",
    "RATE_LIMITED",
    "REFUSED",
    "BAD_RESPONSE",
    "A_CODE_NOBODY_KNOWS",
)


@pytest.mark.parametrize("code", ["LORA_LOAD_FAILED", "INVALID_PROMPT"])
def test_no_provider_is_tried_when_the_piece_itself_is_at_fault(code: str) -> None:
    assert reaction_to(code, retries_done=0, policy=POLICY) is Reaction.FAIL_PIECE


@pytest.mark.parametrize("code", ["MODEL_LOAD_FAILED", "CUDA_OOM"])
def test_a_sick_worker_gets_one_retry_and_then_the_next_provider_its_turn(code: str) -> None:
    assert reaction_to(code, retries_done=0, policy=POLICY) is Reaction.RETRY
    assert reaction_to(code, retries_done=1, policy=POLICY) is Reaction.NEXT_PROVIDER


@pytest.mark.parametrize("code", ["TIMEOUT", "CONNECTION", "SERVER_ERROR", "RATE_LIMITED"])
def test_passing_trouble_is_retried_as_often_as_the_policy_says(code: str) -> None:
    reactions = [reaction_to(code, retries_done=n, policy=POLICY) for n in range(4)]
    assert reactions == [Reaction.RETRY] * 3 + [Reaction.NEXT_PROVIDER]


@pytest.mark.parametrize("code", ["REFUSED", "BAD_RESPONSE", "GENERATION_FAILED"])
def test_garbage_and_refusals_go_to_the_next_provider_at_once(code: str) -> None:
    assert reaction_to(code, retries_done=0, policy=POLICY) is Reaction.NEXT_PROVIDER


@given(st.sampled_from(EVERY_CODE), st.integers(0, 5))
def test_every_failure_comes_to_an_end(code: str, max_retries: int) -> None:
    policy = RetryPolicy(max_retries=max_retries)
    final = reaction_to(code, retries_done=max_retries, policy=policy)
    assert final is not Reaction.RETRY


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_waits_double_and_stay_within_bounds(retries_done: int, jitter: float) -> None:
    wait = POLICY.delay_s(retries_done, jitter=jitter, retry_after_s=None)
    least = min(2.0 ** min(retries_done, 10), POLICY.longest_wait_s)
    assert least <= wait <= min(least * 1.25, POLICY.longest_wait_s)


def test_a_providers_own_wish_counts_more_than_our_backoff() -> None:
    assert POLICY.delay_s(0, jitter=1.0, retry_after_s=7.5) == 7.5
    assert POLICY.delay_s(0, jitter=1.0, retry_after_s=3600) == POLICY.longest_wait_s
