"""The template library keeps what it promises, and a broken file says where it is broken."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from services.gateway.adapters.template_file import (
    TEMPLATES_FILE,
    TemplateFileError,
    load_templates,
)
from services.gateway.domain.planner import TierRatios, plan_batch
from services.gateway.domain.templates import Niche, Orientation, Scene, Template
from shared.content import Platform, Tier

# Everybody in these pictures is an adult, and no word of the file may leave that open.
YOUTH = (
    r"adolescen\w*|bab(y|ies)|boys?|campus|cheerlead\w*|child\w*|classroom|college|dolls?|freshman"
    r"|girls?|infants?|innocent|juniors?|juvenile|kids?|little|lolita|minors?|petite|pigtails"
    r"|school\w*|students?|teen\w*|toddlers?|underage|uniform|virgin\w*|young\w*"
    r"|youth\w*"
)
EXPLICIT = (
    r"bare-chested|breasts?|buttocks|erotic\w*|explicit\w*|fetish\w*|genital\w*|lingerie|naked"
    r"|nipples?|nsfw|nud(e|es|ity)|porn\w*|sex\w*|topless|unclothed|undress\w*"
)
# An avatar may be anyone; its own description says who it is.
GENDERED = r"actress|gentleman|he|her|hers|herself|him|himself|his|lady|man|men|she|woman|women"

LIBRARY = load_templates()


def found(pattern: str, text: str) -> list[str]:
    return [hit.group() for hit in re.finditer(rf"\b(?:{pattern})\b", text.casefold())]


@pytest.fixture(params=LIBRARY, ids=lambda template: template.id)
def template(request: pytest.FixtureRequest) -> Template:
    chosen: Template = request.param
    return chosen


def test_there_are_sixty_templates_in_ten_categories_and_no_id_twice() -> None:
    assert len(LIBRARY) >= 60
    assert len({each.category for each in LIBRARY}) >= 10
    assert len({each.id for each in LIBRARY}) == len(LIBRARY)


@pytest.mark.parametrize("platform", Platform)
def test_a_batch_of_fifty_repeats_nothing_on_any_platform(platform: Platform) -> None:
    pieces = plan_batch(
        batch_id="any",
        num_pieces=50,
        ratios=TierRatios(),
        templates=LIBRARY,
        niche=None,
        platform=platform,
    )
    assert len({piece.template.id for piece in pieces if piece.template}) == 50


@pytest.mark.parametrize(("tier", "least"), [("capa1", 34), ("capa2", 20), ("capa3", 12)])
def test_every_tier_has_room_for_other_ratios(tier: str, least: int) -> None:
    for platform in Platform:
        assert sum(each.suits(Tier(tier), platform) for each in LIBRARY) >= least


@pytest.mark.parametrize("niche", Niche)
@pytest.mark.parametrize("tier", Tier)
def test_every_niche_has_pictures_of_its_own_in_every_tier(tier: Tier, niche: Niche) -> None:
    assert any(each.tier is tier and each.speaks_to(niche) for each in LIBRARY)


def test_every_scene_and_every_shape_is_used() -> None:
    assert {each.scene for each in LIBRARY} == set(Scene)
    assert {each.orientation for each in LIBRARY} == set(Orientation)


def test_prompts_and_titles_are_all_different_and_open_differently() -> None:
    assert len({each.prompt for each in LIBRARY}) == len(LIBRARY)
    assert len({each.title for each in LIBRARY}) == len(LIBRARY)
    openings = Counter(" ".join(each.prompt.split()[:2]) for each in LIBRARY)
    assert max(openings.values()) <= 3


def test_no_word_leaves_an_adult_in_doubt(template: Template) -> None:
    everything = f"{template.id} {template.title} {template.prompt} {template.negative_prompt}"
    assert found(YOUTH, everything) == []


def test_nothing_explicit_is_asked_for(template: Template) -> None:
    assert found(EXPLICIT, f"{template.id} {template.title} {template.prompt}") == []


def test_premium_pictures_say_adult_and_rule_nudity_out(template: Template) -> None:
    if template.tier is not Tier.CAPA1:
        assert found("adult", template.prompt) == ["adult"]
        assert "nudity" in template.negative_prompt


def test_a_prompt_continues_the_avatars_description_whoever_it_is(template: Template) -> None:
    assert template.prompt[0].islower()
    assert not template.prompt.endswith((".", ","))
    assert found(GENDERED, template.prompt) == []


def test_a_prompt_leaves_room_for_the_avatar_in_the_text_encoder(template: Template) -> None:
    """SDXL's encoders read 77 tokens, about 300 characters, and ignore what comes after."""
    assert len(template.prompt) <= 260


def test_an_id_begins_with_its_category(template: Template) -> None:
    assert template.id.startswith(f"{template.category}-")


def entry(**changes: object) -> dict[str, object]:
    document = json.loads(TEMPLATES_FILE.read_text(encoding="utf-8"))
    return {**document["templates"][0], **changes}


def write(path: Path, *entries: object) -> Path:
    path.write_text(json.dumps({"format": 1, "templates": entries}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 1000),
        ("height", 2048),
        ("tier", "capa4"),
        ("niches", []),
        ("platforms", ["myspace"]),
        ("scene", "moon"),
        ("framing", "wide"),
        ("prompt", "x" * 501),
        ("title", "  "),
        ("version", 0),
        ("prmopt", "misspelt"),
    ],
)
def test_a_broken_field_is_named_with_its_template_and_file(
    tmp_path: Path, field: str, value: object
) -> None:
    path = write(tmp_path / "mine.json", entry(id="broken-one", **{field: value}))
    with pytest.raises(TemplateFileError) as refused:
        load_templates(path)
    assert f"{path}: template broken-one: field {field}" in str(refused.value)


def test_every_fault_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.json", entry(id="a", width=7), entry(id="b", tier="x"), "words")
    with pytest.raises(TemplateFileError) as refused:
        load_templates(path)
    lines = str(refused.value).splitlines()
    assert len(lines) == 3
    assert "template number 3" in lines[2]


def test_an_id_that_is_used_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.json", entry(id="twin"), entry(id="twin"))
    with pytest.raises(TemplateFileError, match="template twin: field id: used 2 times"):
        load_templates(path)


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "templates": []}']
)
def test_a_file_that_is_no_template_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateFileError, match=re.escape(str(path))):
        load_templates(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(TemplateFileError, match="cannot be read"):
        load_templates(tmp_path / "nowhere.json")
