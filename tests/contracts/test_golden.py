"""What was once on the wire is read today, and means the same."""

from typing import Any

import pytest

from shared.events import FACTS, Fact
from tests.contracts.golden_files import Golden, every_golden, newest
from tests.contracts.samples import sample_of


def is_said_by(old: Any, new: Any) -> bool:
    """Whether `new` says all that `old` says; it may say more."""
    if isinstance(old, dict):
        return isinstance(new, dict) and all(
            key in new and is_said_by(value, new[key]) for key, value in old.items()
        )
    if isinstance(old, list):
        return (
            isinstance(new, list)
            and len(old) == len(new)
            and all(is_said_by(a, b) for a, b in zip(old, new, strict=True))
        )
    return bool(old == new)


@pytest.mark.parametrize("golden", every_golden(), ids=lambda one: one.path.stem)
def test_a_golden_fact_is_read_and_said_again_in_full(golden: Golden) -> None:
    fact = golden.model.model_validate_json(golden.path.read_bytes())
    assert is_said_by(golden.read(), fact.model_dump(mode="json"))


@pytest.mark.parametrize("golden", every_golden(), ids=lambda one: one.path.stem)
def test_a_golden_fact_says_everything_that_is_asked_for_today(golden: Golden) -> None:
    """A field that was added since must be optional."""
    required = {name for name, field in golden.model.model_fields.items() if field.is_required()}
    assert required <= golden.read().keys()


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.NAME)
def test_every_fact_has_a_golden_file_that_says_all_it_has(fact: type[Fact]) -> None:
    sample = sample_of(fact)
    golden = newest(fact)
    assert golden is not None, "run `python -m tests.contracts.write_golden`"
    assert golden.read() == sample.model_dump(mode="json"), (
        f"{fact.NAME} has changed: run `python -m tests.contracts.write_golden` if it has only "
        "gained optional fields; anything else is a new version beside this one"
    )


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.NAME)
def test_a_sample_leaves_no_field_at_its_default(fact: type[Fact]) -> None:
    sample = sample_of(fact)
    assert sample.model_fields_set == type(sample).model_fields.keys()


def test_no_two_facts_share_a_name_and_version() -> None:
    assert len({(fact.NAME, fact.VERSION) for fact in FACTS}) == len(FACTS)
