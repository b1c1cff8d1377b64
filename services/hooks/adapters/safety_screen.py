"""The text screen, which safety keeps."""

from collections.abc import Sequence

from services.hooks.ports import Text
from shared.calls import MAX_TEXTS, SCREEN_TEXTS, ScreenTexts, TextToScreen
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Caller


class SafetyScreen:
    """Asks about many texts in one call."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def passes(
        self, texts: Sequence[Text], *, tenant: str, consented_name: str | None
    ) -> Sequence[bool]:
        passed: list[bool] = []
        for start in range(0, len(texts), MAX_TEXTS):
            part = texts[start : start + MAX_TEXTS]
            passed += await self._pass(part, tenant=tenant, consented_name=consented_name)
        return passed

    async def _pass(
        self, texts: Sequence[Text], *, tenant: str, consented_name: str | None
    ) -> list[bool]:
        request = ScreenTexts(
            tenant=tenant,
            texts=tuple(TextToScreen(text=text.words, tier=text.tier) for text in texts),
            consented_name=consented_name,
        )
        try:
            findings = (await self._call(SCREEN_TEXTS, request)).findings
        except Problem as problem:
            raise TryLater(f"the text screen refuses: {problem.details.code}") from problem
        blocked = {finding.index for finding in findings}
        return [place not in blocked for place in range(len(texts))]
