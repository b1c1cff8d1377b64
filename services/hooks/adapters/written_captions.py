"""A copywriter without a model: lines that people wrote, put together for each piece."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, zip_longest

from services.hooks.adapters.caption_file import CaptionBook, PlatformStyle, Voice
from services.hooks.domain.limits import PlatformLimits
from services.hooks.domain.lines import draw, fill, in_piece_order
from shared.content import Brief


@dataclass(frozen=True, slots=True)
class WrittenCaptions:
    """Writes from a caption book: free, instant, and the same for a piece every time."""

    book: CaptionBook

    async def draft(self, brief: Brief, piece_id: str, *, count: int) -> Sequence[str]:
        """`count` captions that fit the platform, fewer only where the book has fewer lines."""
        voice = self.book.voice(brief.language)
        words = _words(voice, brief)
        filled = (fill(line, words) for line in _lines(voice, brief, piece_id))
        chosen = islice((line for line in filled if line), count)
        ending = self._ending(voice, brief, piece_id)
        return [ending.added_to(line, place) for place, line in enumerate(chosen)]

    def _ending(self, voice: Voice, brief: Brief, piece_id: str) -> "_Ending":
        known = self.book.hashtags
        niche = _first_known(brief.niche, known.niches) or ""
        style = self.book.platforms[brief.platform]
        return _Ending(
            piece_id=piece_id,
            style=style,
            limits=style.limits,
            closers=in_piece_order(voice.closers, piece_id),
            first_closed=draw(piece_id, "closers"),
            always=known.always,
            about=(*known.categories.get(brief.category or "", ()), *known.niches.get(niche, ())),
        )


@dataclass(frozen=True, slots=True)
class _Ending:
    """What may come after the lines of one piece: closers, and hashtags in a new order each."""

    piece_id: str
    style: PlatformStyle
    limits: PlatformLimits
    closers: Sequence[str]
    first_closed: int
    always: Sequence[str]
    about: Sequence[str]

    def added_to(self, line: str, place: int) -> str:
        """The line with as much of a closer and hashtags as the platform has room for."""
        closed = line
        # A question or an exclamation is an ending already.
        if line.endswith(".") and (place + self.first_closed) % 2:
            closed = f"{line} {self.closers[place % len(self.closers)]}"
        hashtags = self._hashtags(place)
        for caption in (f"{closed}{hashtags}", f"{line}{hashtags}"):
            if self.limits.admit(caption):
                return caption
        return line

    def _hashtags(self, place: int) -> str:
        about = in_piece_order(self.about, f"{self.piece_id}/{place}")
        carried = islice(dict.fromkeys((*self.always, *about)), self.style.hashtags)
        tags = " ".join(carried)
        return f"{self.style.hashtag_separator}{tags}" if tags else ""


def _lines(voice: Voice, brief: Brief, piece_id: str) -> Iterator[str]:
    """Every line that may be used: the avatar's tone and the picture in turn, then other tones."""
    tone = _first_known(brief.personality_tone, voice.tones)
    every_tone = chain.from_iterable(voice.tones.values())
    spoken = in_piece_order(voice.tones[tone] if tone else every_tone, piece_id)
    about = in_piece_order(voice.categories.get(brief.category or "", ()), piece_id)
    turns = [spoken, about] if draw(piece_id, "who begins") % 2 else [about, spoken]
    own = dict.fromkeys(line for turn in zip_longest(*turns) for line in turn if line)
    yield from own
    # Seldom wanted, so put in order only then.
    others = chain.from_iterable(lines for name, lines in voice.tones.items() if name != tone)
    drawn = dict.fromkeys(in_piece_order(others, piece_id))
    yield from (line for line in drawn if line not in own)


def _words(voice: Voice, brief: Brief) -> Mapping[str, str]:
    niche = _first_known(brief.niche, voice.niches)
    return {
        "name": " ".join(brief.avatar_name.split()),
        "niche": voice.niches[niche] if niche else "",
    }


def _first_known(text: str | None, known: Iterable[str]) -> str | None:
    """The first word of the owner's own description that the book knows."""
    names = frozenset(known)
    return next(
        (word for word in re.findall(r"\w+", (text or "").casefold()) if word in names), None
    )
