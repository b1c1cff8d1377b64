"""Read the caption file: platform limits, and lines by language, tone and category."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from services.hooks.domain.limits import PlatformLimits
from services.hooks.domain.lines import placeholders
from shared.content import Platform

CAPTIONS_FILE = Path(__file__).parents[1] / "captions.json"
FALLBACK_LANGUAGE = "en"
WORDS = frozenset({"name", "niche"})

Line = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Lines = Annotated[tuple[Line, ...], Field(min_length=1)]
Hashtag = Annotated[str, StringConstraints(pattern=r"^#\w+$")]


class CaptionFileError(ValueError):
    """The file cannot be used; the message names it and every place at fault."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PlatformStyle(_Part):
    """What a platform takes, and how many hashtags our written captions carry there."""

    max_chars: int = Field(ge=40)
    max_hashtags: int = Field(ge=0)
    max_emoji: int = Field(ge=0)
    max_line_breaks: int = Field(ge=0)
    aim_chars: int = Field(ge=20)
    hashtags: int = Field(ge=0)
    hashtag_separator: str
    source: Line
    style_source: Line
    read: date

    @property
    def limits(self) -> PlatformLimits:
        """The numbers that a caption is held against, and the length to aim at."""
        return PlatformLimits(
            max_chars=self.max_chars,
            max_hashtags=self.max_hashtags,
            max_emoji=self.max_emoji,
            max_line_breaks=self.max_line_breaks,
            aim_chars=self.aim_chars,
        )

    @model_validator(mode="after")
    def _carries_no_more_than_it_may(self) -> Self:
        if self.hashtags > self.max_hashtags:
            raise ValueError("hashtags must not exceed max_hashtags")
        if self.aim_chars > self.max_chars:
            raise ValueError("aim_chars must not exceed max_chars")
        return self


class Voice(_Part):
    """One language: lines that fit any picture by tone, lines by category, and closing words."""

    tones: Mapping[str, Lines] = Field(min_length=1)
    categories: Mapping[str, Lines]
    closers: Lines
    niches: Mapping[str, Line] = Field(description="how the language says a niche in a sentence")

    def lines(self) -> Iterator[str]:
        """Every line of the language but the closers."""
        for lines in (*self.tones.values(), *self.categories.values()):
            yield from lines

    @model_validator(mode="after")
    def _needs_only_known_words(self) -> Self:
        for line in (*self.lines(), *self.closers):
            if unknown := placeholders(line) - WORDS:
                raise ValueError(f"{line!r} needs {sorted(unknown)}; known words: {sorted(WORDS)}")
        return self


class Hashtags(_Part):
    """Hashtags by what they are about; `always` comes before the others."""

    always: tuple[Hashtag, ...]
    niches: Mapping[str, tuple[Hashtag, ...]]
    categories: Mapping[str, tuple[Hashtag, ...]]


class CaptionBook(_Part):
    """The whole file."""

    format: Literal[1]
    platforms: Mapping[Platform, PlatformStyle]
    hashtags: Hashtags
    languages: Mapping[str, Voice]

    def voice(self, language: str) -> Voice:
        """The lines of a language tag such as `es` or `de-AT`; English where we have none."""
        primary = re.split("[-_]", language.casefold())[0]
        return self.languages.get(primary) or self.languages[FALLBACK_LANGUAGE]

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if missing := set(Platform) - set(self.platforms):
            raise ValueError(f"platforms lacks {sorted(missing)}")
        if FALLBACK_LANGUAGE not in self.languages:
            raise ValueError(f"languages lacks {FALLBACK_LANGUAGE!r}, the fallback")
        return self


def load_captions(path: Path = CAPTIONS_FILE) -> CaptionBook:
    """The caption book of a file. Reads the disk: keep it off the event loop.

    Raises CaptionFileError that lists everything wrong with the file.
    """
    try:
        return CaptionBook.model_validate_json(path.read_bytes())
    except OSError as exc:
        raise CaptionFileError(f"{path}: cannot be read: {exc.strerror}") from exc
    except ValidationError as exc:
        faults = (
            f"{path}: {'.'.join(map(str, fault['loc'])) or 'whole file'}: {fault['msg']}"
            for fault in exc.errors(include_url=False)
        )
        raise CaptionFileError("\n".join(faults)) from exc
