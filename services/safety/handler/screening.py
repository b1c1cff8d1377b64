"""Screen texts: prompts before anything is accepted, prompts and captions before a verdict."""

import asyncio
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from services.safety.domain.policy import Category
from services.safety.domain.screen import Occasion, TextScreen
from shared.calls import Finding, Screened, ScreenTexts, TextToScreen
from shared.content import BlockCategory, Brief, Captions, Tier
from shared.factlog import utc_now

# A hostile text of this length takes 150 ms, an ordinary one 2: longer ones would hold up the
# event loop.
_AT_ONCE_CHARS = 1_000

# Together a few megabytes at most.
_REMEMBERED_CHARS = 1_500
_MOST_REMEMBERED = 2_048

# The word that calls up an avatar's weights unless it has its own. It says nothing, but the digits
# and letters of some ids would read as an age or a name.
_TRIGGER_WORD = re.compile(r"TOK_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class _Asked:
    """All that an answer depends on, for one version of the policy."""

    text: TextToScreen
    consented_name: str | None
    today: date

    @property
    def size(self) -> int:
        return len(self.text.text) + len(self.text.avoided)


class ScreenText:
    """Finds what no setting lets through. Never fails because of a text, never quotes one.

    Short texts are remembered with what was found: a prompt is read at the door and again before
    the verdict, and captions repeat.
    """

    def __init__(self, policy: TextScreen, now: Callable[[], datetime] = utc_now) -> None:
        self.policy = policy
        self._now = now
        self._known: OrderedDict[_Asked, frozenset[Category]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def policy_version(self) -> str:
        """Which policy the texts are read by."""
        return self.policy.version

    @property
    def remembered(self) -> int:
        """How many texts are known with what was found."""
        return len(self._known)

    async def __call__(self, request: ScreenTexts) -> Screened:
        """Everything that stands against the texts."""
        unknown = sum(each.size for each in self._asked(request) if each not in self._known)
        if unknown <= _AT_ONCE_CHARS:
            return self.screen(request)
        return await asyncio.to_thread(self.screen, request)

    def screen(self, request: ScreenTexts) -> Screened:
        """The same at once, in the caller's thread."""
        findings = (
            Finding(
                index=index,
                category=BlockCategory(category.value),
                reason=self.policy.reason(category),
            )
            for index, asked in enumerate(self._asked(request))
            for category in sorted(self._found(asked))
        )
        return Screened(policy_version=self.policy_version, findings=tuple(findings))

    def _asked(self, request: ScreenTexts) -> list[_Asked]:
        today = self._now().date()
        return [_Asked(text, request.consented_name, today) for text in request.texts]

    def _found(self, asked: _Asked) -> frozenset[Category]:
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

    def _against(self, asked: _Asked) -> frozenset[Category]:
        text = asked.text
        occasion = Occasion(text.tier, asked.consented_name, asked.today)
        shown = self.policy.screen(_TRIGGER_WORD.sub(" ", text.text), occasion)
        return frozenset((*shown, *self.policy.screen_avoided(text.avoided, occasion)))


def texts_of(brief: Brief, captions: Captions) -> Iterator[TextToScreen]:
    """Every text of a piece: what the model was told, what readers will see, and both together.

    Harmless words may make harm beside others. For the higher tiers there is nothing to find that
    way: their tier is a context by itself.
    """
    yield TextToScreen(text=brief.prompt, avoided=brief.negative_prompt, tier=brief.tier)
    for caption in captions.hooks:
        yield TextToScreen(text=caption, tier=brief.tier)
    if captions.hooks and brief.tier is Tier.CAPA1:
        together = "\n".join((brief.prompt, *captions.hooks))
        # May be longer than what is taken from others, as the sum of what was taken.
        yield TextToScreen.model_construct(text=together, avoided="", tier=brief.tier)
