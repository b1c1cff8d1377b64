"""Screen texts: prompts before anything is accepted, prompts and captions before a verdict."""

import asyncio
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from services.safety.domain.policy import Category
from services.safety.domain.screen import Occasion, Reading, TextScreen, blocked_together
from shared.calls import Finding, Screened, ScreenTexts, TextToScreen
from shared.content import BlockCategory, Brief, Captions
from shared.factlog import utc_now
from shared.outcomes import TryLater

# A hostile text of this length takes 150 ms, an ordinary one 2: longer ones would hold up the
# event loop.
_AT_ONCE_CHARS = 1_000

# Texts may be made to be slow. Those of one call shall not keep everybody else waiting: what was
# read is remembered, so that a call that is made again goes on from there.
_READ_LONG_AT_ONCE = 2
_LONGEST_READING_S = 4.0

# Together a few megabytes at most.
_REMEMBERED_CHARS = 1_500
_MOST_REMEMBERED = 2_048

# The word that calls up an avatar's weights unless it has its own. It says nothing, but the digits
# and letters of some ids would read as an age or a name.
_TRIGGER_WORD = re.compile(r"TOK_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])")


class _Asked(NamedTuple):
    """All that an answer depends on, for one version of the policy."""

    text: str
    avoided: str
    occasion: Occasion

    @property
    def size(self) -> int:
        return len(self.text) + len(self.avoided)


@dataclass(frozen=True, slots=True)
class Together:
    """What stands against texts that are shown beside each other.

    What shows only then has the index after the last text's. `has_context` tells whether any of
    them is sexualised or about a body, which stands against nothing by itself.
    """

    screened: Screened
    has_context: bool


class _OutOfTime(Exception):
    """Reading was cut off: nobody waits for it any more, or it took more than its share."""


class ScreenText:
    """Finds what no setting lets through. Never fails because of a text, never quotes one.

    Short texts are remembered with what was found: a prompt is read at the door and again before
    the verdict, and captions repeat.
    """

    def __init__(self, policy: TextScreen, now: Callable[[], datetime] = utc_now) -> None:
        self.policy = policy
        self._now = now
        self._known: OrderedDict[_Asked, Reading] = OrderedDict()
        self._lock = threading.Lock()
        self._reading_long = asyncio.Semaphore(_READ_LONG_AT_ONCE)

    @property
    def policy_version(self) -> str:
        """Which policy the texts are read by."""
        return self.policy.version

    @property
    def remembered(self) -> int:
        """How many texts are known with what was found."""
        return len(self._known)

    async def __call__(self, request: ScreenTexts) -> Screened:
        """Everything that stands against the texts, each by itself."""
        readings = await self._readings(request)
        return self._screened([reading.blocked for reading in readings])

    async def together(self, request: ScreenTexts) -> Together:
        """The same for texts that are shown beside each other."""
        readings = await self._readings(request)
        alone = [reading.blocked for reading in readings]
        screened = self._screened([*alone, blocked_together(readings).difference(*alone)])
        return Together(screened, has_context=any(reading.has_context for reading in readings))

    def screen(self, request: ScreenTexts) -> Screened:
        """Each text by itself, at once, in the caller's thread."""
        return self._screened([reading.blocked for reading in self._read(self._asked(request))])

    async def _readings(self, request: ScreenTexts) -> list[Reading]:
        asked = self._asked(request)
        unknown = sum(each.size for each in asked if each not in self._known)
        if unknown <= _AT_ONCE_CHARS:
            return self._read(asked)
        async with self._reading_long:
            nobody_waits = threading.Event()
            try:
                return await asyncio.to_thread(self._read, asked, nobody_waits)
            except _OutOfTime as exc:
                raise TryLater(f"texts that take longer than {_LONGEST_READING_S:g} s") from exc
            finally:
                nobody_waits.set()

    def _read(
        self, asked: Sequence[_Asked], nobody_waits: threading.Event | None = None
    ) -> list[Reading]:
        until = time.monotonic() + _LONGEST_READING_S
        readings = []
        for each in asked:
            if nobody_waits is not None and (nobody_waits.is_set() or time.monotonic() > until):
                raise _OutOfTime
            readings.append(self._found(each))
        return readings

    def _screened(self, blocked: Sequence[frozenset[Category]]) -> Screened:
        findings = (
            Finding(
                index=index,
                category=BlockCategory(category.value),
                reason=self.policy.reason(category),
            )
            for index, categories in enumerate(blocked)
            for category in sorted(categories)
        )
        return Screened(policy_version=self.policy_version, findings=tuple(findings))

    def _asked(self, request: ScreenTexts) -> list[_Asked]:
        today = self._now().date()
        return [
            _Asked(each.text, each.avoided, Occasion(each.tier, request.consented_name, today))
            for each in request.texts
        ]

    def _found(self, asked: _Asked) -> Reading:
        with self._lock:
            if (known := self._known.get(asked)) is not None:
                self._known.move_to_end(asked)
                return known
        found = self._against(asked)
        if asked.size <= _REMEMBERED_CHARS:
            with self._lock:
                self._known[asked] = found
                while len(self._known) > _MOST_REMEMBERED:
                    self._known.popitem(last=False)
        return found

    def _against(self, asked: _Asked) -> Reading:
        shown = self.policy.reading(_TRIGGER_WORD.sub(" ", asked.text), asked.occasion)
        if not asked.avoided:
            return shown
        avoided = self.policy.screen_avoided(asked.avoided, asked.occasion)
        return replace(shown, blocked=shown.blocked.union(avoided))


def texts_of(brief: Brief, captions: Captions) -> Iterator[TextToScreen]:
    """Every text of a piece: what the model was told, and what readers will see."""
    yield TextToScreen(text=brief.prompt, avoided=brief.negative_prompt, tier=brief.tier)
    for caption in captions.hooks:
        yield TextToScreen(text=caption, tier=brief.tier)
