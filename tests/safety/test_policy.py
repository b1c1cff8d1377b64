"""The policy file: one that would let an absolute block through stops the start."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.safety.adapters.policy_file import POLICY_FILE
from services.safety.app import open_rules
from shared.settings import EXIT_MISCONFIGURED

Moderation = dict[str, Any]


def minors(**changes: Any) -> Callable[[Moderation], object]:
    return lambda moderation: moderation["categories"]["sexual/minors"].update(changes)


def without_minors(moderation: Moderation) -> None:
    del moderation["categories"]["sexual/minors"]
    moderation["two_reviewers"]["categories"] = []


def grade(index: int, **changes: Any) -> Callable[[Moderation], object]:
    return lambda moderation: moderation["grades"][index].update(changes)


def limits(category: str, **changes: float) -> Callable[[Moderation], object]:
    return lambda moderation: moderation["categories"][category].update(limits=changes)


WEAK: dict[str, tuple[Callable[[Moderation], object], str]] = {
    "a block limit above 0.5": (minors(limits={"review": 0.1, "block": 0.6}), "is not blocked"),
    "no block limit": (minors(limits={"review": 0.1}), "is not blocked"),
    "one judge may see more": (
        minors(overrides={"classifier": {"block": 0.9}}),
        "from classifier, is not blocked",
    ),
    "minors need not be scored": (minors(image_required=False), "nobody has scored"),
    "no minors at all": (without_minors, "is not blocked"),
    "minors are called something else": (minors(blocks="explicit_illegal"), "is not blocked"),
    "the explicit is rated only": (grade(3, tier="capa3"), "explicit is refused"),
    "nobody rates": (lambda moderation: moderation.update(rated_by=[]), "rated_by"),
    "rated by what nobody knows": (
        lambda moderation: moderation.update(rated_by=["colour"]),
        "categories lacks colour",
    ),
    "grades out of order": (grade(1, at_least=0.9), "must begin above"),
    "levels out of order": (grade(2, level=3), "must begin above"),
    "tiers out of order": (grade(2, tier="capa1"), "rise"),
    "limits out of order": (limits("violence", review=0.9, reject=0.1), "limits must rise"),
    "a limit above 1": (limits("violence", reject=1.5), "limits.reject"),
    "a block of nothing": (limits("violence", block=0.4), "set blocks"),
    "required of nobody": (
        lambda moderation: moderation["categories"]["violence"].update(image_judges=[]),
        "no image_judges",
    ),
    "a word too many": (lambda moderation: moderation.update(strict=False), "strict"),
}


@pytest.mark.parametrize("weakness", WEAK)
def test_a_policy_that_lets_something_through_stops_the_start(
    weakness: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, told = WEAK[weakness]
    policy = json.loads(POLICY_FILE.read_text())
    spoil(policy["moderation"])
    weak = tmp_path / "policy.json"
    weak.write_text(json.dumps(policy))
    with pytest.raises(SystemExit) as stopped:
        open_rules(weak)
    assert stopped.value.code == EXIT_MISCONFIGURED
    said = capsys.readouterr().err
    assert "policy.json" in said
    assert told in said


def test_the_policy_tells_its_history() -> None:
    policy = json.loads(POLICY_FILE.read_text())
    versions = [change["version"] for change in policy["changelog"]]
    assert versions[0] == policy["version"] == open_rules().moderation.version
    assert versions == sorted(set(versions), reverse=True)
