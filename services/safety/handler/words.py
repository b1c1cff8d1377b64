"""Read a piece's words before anything else: what no setting, no judge and no reviewer passes."""

from dataclasses import dataclass

from services.safety.domain.verdicts import TEXT_SCREEN
from services.safety.handler.screening import ScreenText, texts_of
from shared.calls import Finding, Screened, ScreenTexts
from shared.content import BlockCategory, BlockedOn, Brief, Captions, JudgeReport

_PROMPT_AT = 0


@dataclass(frozen=True, slots=True)
class Words:
    """What the text screen says about a piece; `finding` is what blocks it, if anything does.

    `has_context`: they are sexualised or about a body.
    """

    policy_version: str
    report: JudgeReport
    finding: Finding | None
    on: BlockedOn
    has_context: bool = False


async def read_words(texts: ScreenText, tenant: str, brief: Brief, captions: Captions) -> Words:
    """Screen prompt and captions, each alone and all together."""
    request = ScreenTexts(
        tenant=tenant,
        texts=tuple(texts_of(brief, captions)),
        consented_name=brief.likeness_name,
    )
    together = await texts.together(request)
    screened = together.screened
    found = min(
        ((_found_on(finding, captions), finding) for finding in screened.findings),
        key=_what_weighs_most,
        default=(BlockedOn.PROMPT, None),
    )
    return Words(
        screened.policy_version,
        screen_report(screened),
        found[1],
        found[0],
        has_context=together.has_context,
    )


def screen_report(screened: Screened) -> JudgeReport:
    """The screen's findings as scores: it knows yes and no."""
    found = {finding.category for finding in screened.findings}
    return JudgeReport(
        judge=TEXT_SCREEN,
        model=screened.policy_version,
        text_scores={each.value: float(each in found) for each in BlockCategory},
    )


def _what_weighs_most(found: tuple[BlockedOn, Finding]) -> tuple[bool, bool]:
    # Minors before all else; what was generated before what was asked for.
    on, finding = found
    return finding.category is not BlockCategory.MINORS, on is BlockedOn.PROMPT


def _found_on(finding: Finding, captions: Captions) -> BlockedOn:
    """A block that only shows when all is read together counts as the prompt's.

    Each caption alone may be shown: nothing that was generated is at fault by itself.
    """
    alone = _PROMPT_AT < finding.index <= len(captions.hooks)
    return BlockedOn.CAPTIONS if alone else BlockedOn.PROMPT
