"""What passes the text screen. Nothing that a model wrote goes anywhere before."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from services.hooks.domain.commission import shown
from services.hooks.handler.jobs import Batch, Unwritten
from services.hooks.ports import Text, TextScreen
from shared.content import Brief

Written = Mapping[int, tuple[str, ...]]
"""Captions by the place of their job in the batch."""

_KEPT_AT_MOST = 1000


@dataclass(frozen=True, slots=True)
class Screening:
    """Asks the screen about all captions of a batch at once."""

    screen: TextScreen

    async def admit(self, batch: Batch) -> None:
        """Take out the jobs whose words may not be written from.

        The words about the avatar, and those of jobs without a piece: nobody has looked at them
        yet. Asked before a call, so that nothing is bought while nobody could let it pass. Raises
        TryLater.
        """
        brief = batch.first.brief
        about = f"{brief.personality_tone or ''}\n{brief.niche or ''}"
        new = [place for place, job in enumerate(batch.jobs) if job.event is None]
        texts = [Text(about, brief.tier), *(_words(batch.jobs[place].brief) for place in new)]
        avatar_passes, *words_pass = await self._passes(batch, texts)
        for place in batch.left if not avatar_passes else ():
            batch.outcomes[place] = Unwritten("blocked")
        for place, passes in zip(new, words_pass, strict=True):
            if not passes:
                batch.outcomes[place] = Unwritten("blocked")

    async def passed(self, batch: Batch, written: Written) -> Written:
        """The captions that nothing stands against. Raises TryLater."""
        texts = [
            (place, Text(caption, batch.jobs[place].brief.tier))
            for place, captions in written.items()
            for caption in captions
        ]
        if not texts:
            return written
        verdicts = await self._passes(batch, [text for _, text in texts])
        kept: dict[int, list[str]] = {place: [] for place in written}
        for (place, text), passes in zip(texts, verdicts, strict=True):
            if passes:
                kept[place].append(text.words)
        return {place: tuple(captions) for place, captions in kept.items()}

    async def _passes(self, batch: Batch, texts: list[Text]) -> list[bool]:
        job = batch.first
        name = job.brief.likeness_name
        return list(await self.screen.passes(texts, tenant=job.tenant, consented_name=name))


def _words(brief: Brief) -> Text:
    return Text(shown(brief), brief.tier)


class Unscreened:
    """Captions that were bought just when the screen went away, by their attempt.

    Only in memory: what nobody has looked at is written nowhere.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def keep(self, attempt_id: str, captions: tuple[str, ...]) -> None:
        """Until somebody comes for them; the oldest make room."""
        self._kept[attempt_id] = captions
        while len(self._kept) > _KEPT_AT_MOST:
            self._kept.popitem(last=False)

    def of(self, attempt_id: str) -> tuple[str, ...]:
        """Those of an attempt, or none."""
        return self._kept.get(attempt_id, ())

    def drop(self, attempt_id: str) -> None:
        """They were looked at."""
        self._kept.pop(attempt_id, None)
