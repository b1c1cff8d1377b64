"""Screen texts: prompts before anything is accepted, prompts and captions before a verdict."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from services.safety.domain.policy import Category
from services.safety.domain.screen import Occasion, TextScreen
from shared.calls import BlockCategory, Finding, Screened, ScreenTexts, TextToScreen
from shared.content import Brief, Captions
from shared.factlog import utc_now

# A hostile text of this length takes 50 ms, an ordinary one a tenth: longer ones would hold up
# the event loop.
_AT_ONCE_CHARS = 500

# The word that calls up an avatar's weights unless it has its own. It says nothing, but the digits
# and letters of some ids would read as an age or a name.
_TRIGGER_WORD = re.compile(r"TOK_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9A-Za-z])")


@dataclass(frozen=True, slots=True)
class ScreenText:
    """Finds what no setting lets through. Never fails because of a text, never quotes one."""

    policy: TextScreen
    now: Callable[[], datetime] = utc_now

    async def __call__(self, request: ScreenTexts) -> Screened:
        """Everything that stands against the texts."""
        size = sum(len(text.text) + len(text.avoided) for text in request.texts)
        if size <= _AT_ONCE_CHARS:
            return self.screen(request)
        return await asyncio.to_thread(self.screen, request)

    def screen(self, request: ScreenTexts) -> Screened:
        """The same at once, in the caller's thread."""
        today = self.now().date()
        findings = (
            Finding(
                index=index,
                category=BlockCategory(category.value),
                reason=self.policy.reason(category),
            )
            for index, text in enumerate(request.texts)
            for category in self._against(text, request.consented_name, today)
        )
        return Screened(policy_version=self.policy.version, findings=tuple(findings))

    def _against(
        self, text: TextToScreen, consented_name: str | None, today: date
    ) -> set[Category]:
        occasion = Occasion(text.tier, consented_name, today)
        shown = self.policy.screen(_TRIGGER_WORD.sub(" ", text.text), occasion)
        return {*shown, *self.policy.screen_avoided(text.avoided, occasion)}


def texts_of(brief: Brief, captions: Captions) -> Iterator[TextToScreen]:
    """Every text of a piece: what the model was told, and what readers will see."""
    yield TextToScreen(text=brief.prompt, avoided=brief.negative_prompt, tier=brief.tier)
    for caption in captions.hooks:
        yield TextToScreen(text=caption, tier=brief.tier)
