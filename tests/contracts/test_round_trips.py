"""Every fact survives its way over the wire, and a newer peer may say more."""

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared import wire
from shared.events import FACTS, ContentHalted, Fact, PieceFact
from shared.factlog import utc_now
from shared.outcomes import BadInput
from shared.topology import Topology
from tests.builders import image_generated
from tests.contracts.strategies import values

any_fact = st.sampled_from(FACTS).flatmap(values)
any_piece = st.sampled_from([f for f in FACTS if issubclass(f, PieceFact)]).flatmap(values)
quick = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)


# What takes its time is to make up facts: each is asked about everything that is true of all.
@quick
@given(any_fact, st.dictionaries(st.text(min_size=1), st.integers()))
def test_a_fact_goes_its_way_unharmed(fact: Fact, more: dict[str, int]) -> None:
    is_the_same_after_its_way(fact)
    is_read_with_fields_that_nobody_knows_yet(fact, more)
    has_a_subject_of_one_place_and_safe_tokens(fact)
    has_the_attributes_of_a_cloud_event(fact)


def is_the_same_after_its_way(fact: Fact) -> None:
    headers = wire.headers(fact, source="/tests", at=utc_now())
    assert wire.decode(type(fact), wire.encode(fact), headers) == fact


def is_read_with_fields_that_nobody_knows_yet(fact: Fact, more: dict[str, int]) -> None:
    known = type(fact).model_fields
    news = {name: value for name, value in more.items() if name not in known}
    body = json.dumps(json.loads(wire.encode(fact)) | news).encode()
    assert wire.decode(type(fact), body, {}) == fact


def has_a_subject_of_one_place_and_safe_tokens(fact: Fact) -> None:
    subject = Topology("ns").subject(fact)
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", subject)
    assert len(subject.split(".")) == 1 + 2 + len(fact.subject_tokens)


def has_the_attributes_of_a_cloud_event(fact: Fact) -> None:
    headers = wire.headers(fact, source="/atelier/tests", at=utc_now())
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-type"] == f"atelier.{fact.NAME}.v{fact.VERSION}"
    assert headers["ce-id"] == wire.event_id(fact)
    assert all(value.isascii() and "\n" not in value for value in headers.values())


@quick
@given(any_piece)
def test_a_halt_knows_the_piece_it_ends(event: PieceFact) -> None:
    halted = ContentHalted.following(event, stage="s", reason="deadline")
    assert (halted.task_id, halted.piece_id, halted.run) == (
        event.task_id,
        event.piece_id,
        event.run,
    )
    assert halted.brief == event.brief


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "a.b"},
        {"tenant": "*"},
        {"tenant": ""},
        {"piece_id": "a b"},
        {"piece_id": ">"},
        {"run": 0},
        {"deadline_at": "2031-01-01T00:00:00"},
        {"image": {"uri": "x", "sha256": "ABC", "size": 1, "media_type": "image/png"}},
    ],
    ids=str,
)
def test_what_would_not_be_safe_is_not_read(change: dict[str, Any]) -> None:
    body = json.loads(wire.encode(image_generated())) | change
    with pytest.raises(BadInput, match="invalid_body"):
        wire.decode(type(image_generated()), json.dumps(body).encode(), {})
