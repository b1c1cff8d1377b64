"""A version of a fact only gains optional fields; whatever else changes is noticed."""

from copy import deepcopy
from typing import Any

import pytest

from shared.events import FACTS, ContentHalted, ContentRequested, Fact
from tests.contracts.additive import breaking_changes
from tests.contracts.schema_files import broken_promises, published, shape_of

COMMAND = "`python -m tests.contracts.write_golden`"


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.NAME)
def test_a_fact_has_only_gained_what_nobody_minds(fact: type[Fact]) -> None:
    old = published(fact)
    assert old is not None, f"{fact.NAME} has no committed shape: run {COMMAND}"
    assert not list(broken_promises(old, shape_of(fact))), (
        f"a fact keeps its promises: make {fact.NAME}.v{fact.VERSION + 1} beside this version"
    )


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.NAME)
def test_the_committed_shape_is_todays(fact: type[Fact]) -> None:
    assert published(fact) == shape_of(fact), f"{fact.NAME} has grown: run {COMMAND}"


def changed(*path: str | int, fact: type[Fact] = ContentRequested, **news: Any) -> list[str]:
    """What is found when the members at `path` of a fact's schema become `news`; None removes."""
    old = shape_of(fact)["schema"]
    new = deepcopy(old)
    place = new
    for step in path:
        place = place[step]
    for name, value in news.items():
        if value is None:
            del place[name]
        else:
            place[name] = value
    return list(breaking_changes(old, new))


BRIEF = ("properties", "brief", "properties")
NEEDED = shape_of(ContentRequested)["schema"]["required"]


def test_a_field_that_is_gone_is_noticed() -> None:
    assert "brief.likeness_name is gone" in changed(*BRIEF, likeness_name=None)


def test_a_field_with_another_name_is_noticed() -> None:
    found = changed(*BRIEF, likeness_name=None, likeness={"type": "string", "default": ""})
    assert found == ["brief.likeness_name is gone"]


def test_a_field_that_is_newly_required_is_noticed() -> None:
    assert changed(required=[*NEEDED, "lane"]) == ["lane is newly required"]
    assert changed(required=[*NEEDED, "new"]) == ["new is newly required"]


def test_a_field_that_is_no_longer_promised_is_noticed() -> None:
    kept = [name for name in NEEDED if name != "run"]
    assert changed(required=kept) == ["run is no longer promised"]


@pytest.mark.parametrize(
    ("field", "news", "found"),
    [
        ("seed", {"type": "string"}, "brief.seed was integer, is string"),
        ("seed", {"type": "number"}, "brief.seed was integer, is number"),
        ("niche", {"anyOf": [{"type": "string"}]}, "brief.niche was null or string, is string"),
        ("width", {"minimum": 768}, "brief.width has a narrower minimum: 768"),
        ("width", {"maximum": 1024}, "brief.width has a narrower maximum: 1024"),
        ("width", {"multipleOf": 64}, "brief.width has another multipleOf: 64"),
        ("prompt", {"maxLength": 500}, "brief.prompt has a narrower maxLength: 500"),
        ("prompt", {"pattern": "^a"}, "brief.prompt has another pattern: ^a"),
        ("prompt", {"format": "uri"}, "brief.prompt has another format: uri"),
        ("prompt", {"enum": ["a"]}, "brief.prompt is now one of a few values"),
        ("tier", {"enum": ["capa1", "capa2"]}, "brief.tier can no longer be capa3"),
        ("tier", {"enum": ["capa1", "capa2", "c3"]}, "brief.tier can no longer be capa3"),
        ("tier", {"default": "capa2"}, "brief.tier means something else where it is left out"),
    ],
    ids=str,
)
def test_a_field_that_accepts_less_or_means_something_else_is_noticed(
    field: str, news: dict[str, Any], found: str
) -> None:
    assert changed(*BRIEF, field, **news) == [found]


def test_a_change_deep_inside_is_noticed() -> None:
    path = ("properties", "verdict", "anyOf", 0, "properties", "explicitness_level")
    found = changed(*path, fact=ContentHalted, maximum=5)
    assert found == ["verdict.explicitness_level has a narrower maximum: 5"]


def test_another_address_is_noticed() -> None:
    shape = dict(shape_of(ContentRequested))
    moved = shape | {"subject": "content.requested.{tenant}.{lane}"}
    assert len(list(broken_promises(shape, moved))) == 1


@pytest.mark.parametrize(
    ("path", "news"),
    [
        ((*BRIEF,), {"mood": {"type": "string", "default": "calm"}}),
        ((*BRIEF, "tier"), {"enum": ["capa1", "capa2", "capa3", "capa4"]}),
        ((*BRIEF, "width"), {"maximum": 2048}),
        ((*BRIEF, "width"), {"minimum": None}),
    ],
    ids=str,
)
def test_growth_is_welcome(path: tuple[str, ...], news: dict[str, Any]) -> None:
    assert changed(*path, **news) == []
