"""A signed verdict counts for what it was given for, and for nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.content import Decision, Rating, Tier, Verdict
from shared.events import ContentModerated
from shared.signing import PublicKeys, SigningSeed, VerdictKeys
from tests.builders import content_moderated, verdict
from tests.verdict_keys import KEYS, SIGNER, STRANGER, signed

OTHERWISE: dict[str, object] = {
    "decision": Decision.SKIPPED,
    "rating": Rating.BORDERLINE,
    "explicitness_level": 9,
    "tier": Tier.CAPA3,
    "image_sha256": "0" * 64,
    "judge": "another",
    "policy_version": "another",
    "reason": "another",
    "judges": ({"judge": "x"},),
    "unscored": ("sexual",),
    "blocked": "minors",
    "blocked_on": "image",
    "image_print": "0" * 16,
    "approvals_needed": 2,
    "reviewers": ("somebody",),
}


def test_a_signed_verdict_is_believed_after_a_journey() -> None:
    event = content_moderated()
    arrived = ContentModerated.model_validate_json(event.model_dump_json())
    assert KEYS.vouch_for(arrived, arrived.verdict)


@pytest.mark.parametrize("field", OTHERWISE)
def test_a_verdict_that_was_changed_is_not_believed(field: str) -> None:
    event = content_moderated()
    changed = Verdict.model_validate(event.verdict.model_dump() | {field: OTHERWISE[field]})
    assert not KEYS.vouch_for(event, changed)


def test_everything_that_a_verdict_says_is_signed() -> None:
    assert set(OTHERWISE) == set(Verdict.model_fields) - {"signature"}


@pytest.mark.parametrize("field", ["tenant", "task_id", "piece_id", "run"])
def test_a_verdict_about_something_else_is_not_believed(field: str) -> None:
    event = content_moderated()
    elsewhere = event.model_copy(update={field: 7 if field == "run" else "elsewhere"})
    assert not KEYS.vouch_for(elsewhere, event.verdict)


def test_nobody_believes_a_stranger_or_an_unsigned_verdict() -> None:
    event = content_moderated()
    assert not KEYS.vouch_for(event, verdict())
    assert not KEYS.vouch_for(event, signed(event, STRANGER).verdict)
    borrowed = STRANGER.sign(event, event.verdict).signature
    assert borrowed is not None
    assert event.verdict.signature is not None
    mixed = borrowed.model_copy(update={"key_id": event.verdict.signature.key_id})
    assert not KEYS.vouch_for(event, event.verdict.model_copy(update={"signature": mixed}))


def test_while_keys_are_exchanged_both_are_believed() -> None:
    both = VerdictKeys([STRANGER.public_key, SIGNER.public_key])
    event = content_moderated()
    for signer in (SIGNER, STRANGER):
        assert both.vouch_for(event, signed(event, signer).verdict)


@given(st.floats(0, 1), st.text(max_size=50))
def test_scores_and_words_of_any_kind_survive_the_wire(score: float, words: str) -> None:
    judged = verdict(reason=words, judges=({"judge": "j", "image_scores": {"sexual": score}},))
    event = content_moderated(verdict=judged)
    arrived = ContentModerated.model_validate(json.loads(json.dumps(event.model_dump(mode="json"))))
    assert KEYS.vouch_for(arrived, arrived.verdict)


@pytest.mark.parametrize("key", ["", "ab", "zz" * 32, "ab" * 31, "ab" * 33])
def test_a_key_of_another_kind_is_refused(key: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(SigningSeed).validate_python(key)
    with pytest.raises(ValidationError):
        TypeAdapter(PublicKeys).validate_python((key,))


def test_no_key_at_all_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PublicKeys).validate_python(())
