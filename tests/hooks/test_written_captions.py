"""Written captions always suffice, always fit, and do not make a batch look like one post."""

import asyncio
import json
import re
from itertools import product
from pathlib import Path
from uuid import UUID, uuid5

import pytest

from services.gateway.adapters.template_file import load_templates
from services.gateway.domain.templates import Niche
from services.hooks.adapters.caption_file import (
    CAPTIONS_FILE,
    CaptionFileError,
    load_captions,
)
from services.hooks.adapters.written_captions import WrittenCaptions
from services.hooks.domain.lines import placeholders
from services.hooks.domain.picking import pick_hooks
from shared.content import Brief, LoraRef, Platform

BOOK = load_captions()
TASK = UUID(int=20)
TONES = ("warm", "playful", "confident", "elegant")
CATEGORIES = sorted({template.category for template in load_templates()})


def brief(
    platform: Platform = Platform.INSTAGRAM,
    language: str = "en",
    tone: str | None = None,
    category: str | None = None,
    niche: str | None = None,
    name: str = "",
) -> Brief:
    return Brief(
        avatar_id="a-1",
        avatar_name=name,
        niche=niche,
        personality_tone=tone,
        language=language,
        platform=platform,
        category=category,
        prompt="at a piano",
        seed=1,
        lora=LoraRef(key="loras/a-1.safetensors"),
    )


def drafted(ordered: Brief, piece: int = 0, count: int = 7) -> list[str]:
    copywriter = WrittenCaptions(BOOK)
    return list(asyncio.run(copywriter.draft(ordered, str(uuid5(TASK, str(piece))), count=count)))


def line_of(caption: str) -> str:
    return caption.partition("#")[0].strip()


@pytest.mark.parametrize("platform", Platform)
def test_five_distinct_captions_fit_every_platform_in_every_voice(platform: Platform) -> None:
    limits = BOOK.platforms[platform].limits
    for language, tone, category in product(("en", "es", "de"), (None, *TONES), (None, "boudoir")):
        drafts = drafted(brief(platform, language, tone, category))
        assert len(pick_hooks(drafts, keep=5, limits=limits)) == 5
        assert all(limits.admit(draft) for draft in drafts)


def test_the_same_piece_always_gets_the_same_captions() -> None:
    assert drafted(brief(tone="warm")) == drafted(brief(tone="warm"))


def test_a_longer_list_of_drafts_begins_with_the_shorter_one() -> None:
    assert drafted(brief(), count=7)[:5] == drafted(brief(), count=5)


@pytest.mark.parametrize(("language", "fresh"), [("en", 40), ("es", 28), ("de", 28)])
def test_fifty_pieces_in_one_tone_do_not_look_alike(language: str, fresh: int) -> None:
    sets = [
        drafted(brief(language=language, tone="warm", category=CATEGORIES[piece % 16]), piece)
        for piece in range(50)
    ]
    assert len({tuple(each[:5]) for each in sets}) == 50
    assert len({line_of(each[0]) for each in sets}) >= fresh


def test_an_avatar_speaks_in_its_own_tone_before_any_other() -> None:
    warm = {line for line in BOOK.languages["en"].tones["warm"] if not placeholders(line)}
    for piece in range(20):
        lines = [line_of(draft) for draft in drafted(brief(tone="Warm and witty"), piece, count=10)]
        assert all(any(line.startswith(own) for own in warm) for line in lines)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_lines_and_hashtags_that_say_what_the_picture_is(category: str) -> None:
    for language, voice in BOOK.languages.items():
        drafts = drafted(brief(language=language, category=category), count=5)
        assert any(draft.startswith(voice.categories[category]) for draft in drafts)
    assert any(tag in drafts[0] for tag in BOOK.hashtags.categories[category])


@pytest.mark.parametrize("niche", Niche)
def test_every_niche_has_words_and_hashtags(niche: Niche) -> None:
    assert all(niche in voice.niches for voice in BOOK.languages.values())
    assert BOOK.hashtags.niches[niche]


def test_words_are_filled_in_and_lines_without_their_words_are_left_out() -> None:
    everything = "\n".join(drafted(brief(tone="warm", niche="Yoga & fitness", name="Mara"), 0, 60))
    assert "Some days are for fitness" in everything
    assert "Love, Mara." in everything
    assert not re.search(r"[{}]", everything)
    nameless = "\n".join(drafted(brief(tone="warm"), 0, 60))
    assert "Love," not in nameless
    assert "Some days are for" not in nameless


@pytest.mark.parametrize(
    ("tag", "spoken"), [("de-AT", "de"), ("ES_mx", "es"), ("fr", "en"), ("", "en")]
)
def test_an_unknown_language_falls_back_to_english(tag: str, spoken: str) -> None:
    assert drafted(brief(language=tag)) == drafted(brief(language=spoken))


def test_hashtags_stay_within_what_a_platform_shows() -> None:
    assert drafted(brief(Platform.INSTAGRAM, niche="art"))[0].count("#") == 4
    assert drafted(brief(Platform.X, niche="art"))[0].count("#") == 2
    assert drafted(brief(Platform.TELEGRAM, niche="art"))[0].count("#") == 0


def test_a_question_is_left_to_be_the_last_word() -> None:
    for language, piece in product(("en", "es", "de"), range(40)):
        for draft in drafted(brief(language=language, category="nightlife"), piece):
            assert not re.search(r"[?!] .*[?!.]$", line_of(draft))


def test_the_book_is_large_enough() -> None:
    sizes = {language: len(set(voice.lines())) for language, voice in BOOK.languages.items()}
    assert sizes["en"] >= 40
    assert min(sizes["es"], sizes["de"]) >= 15
    assert all(tuple(voice.tones) == TONES for voice in BOOK.languages.values())


@pytest.mark.parametrize("language", ["en", "es", "de"])
def test_lines_are_written_once_short_finished_and_free_of_decoration(language: str) -> None:
    voice = BOOK.languages[language]
    lines = [*voice.lines(), *voice.closers]
    assert len(lines) == len(set(lines))
    for line in lines:
        assert len(line) <= 72
        assert line[-1] in ".?!"
        assert not line.startswith("{niche}")
        assert "#" not in line
        assert not any(ord(character) > 0x2FFF for character in line)


def test_few_lines_open_with_the_same_word() -> None:
    for voice in BOOK.languages.values():
        lines = list(voice.lines())
        for opening in {line.split()[0] for line in lines}:
            assert sum(line.split()[0] == opening for line in lines) <= len(lines) // 8


def broken(tmp_path: Path, **changes: object) -> Path:
    path = tmp_path / "captions.json"
    path.write_text(json.dumps({**json.loads(CAPTIONS_FILE.read_bytes()), **changes}))
    return path


def test_a_platform_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptionFileError, match=r"captions\.json: .*platforms lacks .*'instagram'"):
        load_captions(broken(tmp_path, platforms={}))


def test_a_placeholder_without_a_word_is_named_with_its_line(tmp_path: Path) -> None:
    voice = BOOK.languages["en"].model_dump(mode="json")
    voice["closers"] = ["Bye, {nmae}."]
    with pytest.raises(
        CaptionFileError, match=r"languages\.en: .*'Bye, {nmae}\.' needs \['nmae'\]"
    ):
        load_captions(broken(tmp_path, languages={"en": voice}))


def test_english_is_required_because_everything_falls_back_to_it(tmp_path: Path) -> None:
    spanish = BOOK.languages["es"].model_dump(mode="json")
    with pytest.raises(CaptionFileError, match="languages lacks 'en'"):
        load_captions(broken(tmp_path, languages={"es": spanish}))


def test_a_platform_cannot_carry_more_hashtags_than_it_takes(tmp_path: Path) -> None:
    platforms = json.loads(CAPTIONS_FILE.read_bytes())["platforms"]
    platforms["x"]["hashtags"] = 9
    with pytest.raises(CaptionFileError, match=r"platforms\.x: .*must not exceed max_hashtags"):
        load_captions(broken(tmp_path, platforms=platforms))


def test_a_platform_cannot_be_aimed_at_beyond_its_length(tmp_path: Path) -> None:
    platforms = json.loads(CAPTIONS_FILE.read_bytes())["platforms"]
    platforms["youtube"]["aim_chars"] = 101
    with pytest.raises(CaptionFileError, match=r"platforms\.youtube: .*must not exceed max_chars"):
        load_captions(broken(tmp_path, platforms=platforms))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CaptionFileError, match=r"nowhere\.json: cannot be read"):
        load_captions(tmp_path / "nowhere.json")
