"""Composition root of moderation."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.safety.adapters.classifier_file import ClassifierError
from services.safety.adapters.guarded import GuardedJudge
from services.safety.adapters.ledger_takedowns import LedgerTakedowns
from services.safety.adapters.pillow_prints import PillowPrints
from services.safety.adapters.policy_file import POLICY_FILE, PolicyFileError, load_policy
from services.safety.adapters.preview import PreviewJudge
from services.safety.domain.canaries import misjudged
from services.safety.domain.moderation import ModerationPolicy
from services.safety.domain.policy import PolicyError
from services.safety.domain.safeguards import weaknesses
from services.safety.domain.screen import TextScreen
from services.safety.handler.approvals import SignApproval
from services.safety.handler.checking import CheckContents
from services.safety.handler.health import ReportHealth
from services.safety.handler.moderation import ModerateContent
from services.safety.handler.panel import Panel
from services.safety.handler.screening import ScreenText
from services.safety.ports import Judge
from services.safety.settings import SafetySettings
from shared.breaker import Breaker
from shared.calls import CHECK_CONTENT, SAFETY_HEALTH, SCREEN_TEXTS
from shared.factlog import utc_now
from shared.service import Service, open_service
from shared.settings import fail_misconfigured
from shared.signing import VerdictSigner
from shared.topology import MODERATE, SIGN_APPROVAL

_APPROVALS_AT_A_TIME = 4


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of the policy, tried: the text screen, and what scores mean."""

    texts: ScreenText
    moderation: ModerationPolicy


def assemble(
    service: Service, judges: Sequence[Judge], rules: Rules, settings: SafetySettings
) -> None:
    """Screen every prompt that is asked about, judge every captioned image, sign approvals.

    Each judge gets a breaker and a limit of time. Whom the settings name is not looked at here.
    """
    limit_s = settings.safety_judge_timeout_seconds
    guarded = [GuardedJudge(judge, Breaker(time.monotonic), limit_s) for judge in judges]
    panel = Panel(guarded, rules.moderation)
    prints, takedowns = PillowPrints(), LedgerTakedowns(service.call)
    signer = VerdictSigner(bytes.fromhex(settings.safety_signing_key.get_secret_value()))
    moderate = ModerateContent(
        panel=panel,
        staging=service.staging,
        texts=rules.texts,
        prints=prints,
        takedowns=takedowns,
        skips=settings.skips,
        signer=signer,
        wait_s=settings.safety_judge_wait_seconds,
    )
    approve = SignApproval(rules.moderation, rules.texts, takedowns, signer)
    check = CheckContents(
        panel=panel,
        staging=service.staging,
        texts=rules.texts,
        prints=prints,
        takedowns=takedowns,
        limit_s=limit_s,
    )
    health = ReportHealth({judge.name: judge for judge in guarded}, rules.moderation.version)
    service.stage(
        MODERATE,
        moderate,
        permits=settings.safety_concurrency,
        waited_long=moderate.waited_long,
    )
    service.stage(SIGN_APPROVAL, approve, permits=_APPROVALS_AT_A_TIME)
    service.answer(SCREEN_TEXTS, rules.texts)
    service.answer(CHECK_CONTENT, check)
    service.answer(SAFETY_HEALTH, health)


@asynccontextmanager
async def open_app(settings: SafetySettings) -> AsyncIterator[Service]:
    """Everything moderation needs, opened and assembled."""
    rules = await asyncio.to_thread(open_rules)
    async with AsyncExitStack() as stack:
        judges = [
            await _open_judge(name, settings, rules, stack) for name in settings.safety_judges
        ]
        service = await stack.enter_async_context(open_service("safety", settings))
        assemble(service, judges, rules, settings)
        yield service


def open_rules(policy_file: Path = POLICY_FILE) -> Rules:
    """The policy, tried; exits where it cannot be trusted to block.

    Which policy is no setting: whoever wants another one changes this one, with its version.
    """
    try:
        policies = load_policy(policy_file)
        screen = TextScreen(policies.texts)
    except (PolicyFileError, PolicyError) as exc:
        raise fail_misconfigured(policy_file.name, str(exc)) from None
    for fault in misjudged(screen, utc_now().date()):
        raise fail_misconfigured(policy_file.name, f"canary failed: {fault}")
    for weakness in weaknesses(policies.moderation):
        raise fail_misconfigured(policy_file.name, f"lets through what nothing may: {weakness}")
    return Rules(ScreenText(screen), policies.moderation)


def open_screen(policy_file: Path = POLICY_FILE) -> TextScreen:
    """The text screen of a policy that was tried as a whole."""
    return open_rules(policy_file).texts.policy


async def _open_judge(
    name: str, settings: SafetySettings, rules: Rules, stack: AsyncExitStack
) -> Judge:
    match name:
        case "openai":
            return _open_openai(settings, stack)
        case "classifier":
            return await asyncio.to_thread(_open_classifier, settings, stack)
        case _:
            return PreviewJudge(rules.moderation.required_on_image)


def _open_openai(settings: SafetySettings, stack: AsyncExitStack) -> Judge:
    # Who does not use it does not pay for it: its SDK takes 20 MB.
    from services.safety.adapters.openai_moderation import OpenAIJudge  # noqa: PLC0415

    if settings.openai_api_key is None:
        raise fail_misconfigured("OPENAI_API_KEY", "not set")
    judge = OpenAIJudge.of(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=settings.openai_moderation_model,
        timeout_s=settings.safety_judge_timeout_seconds,
    )
    stack.push_async_callback(judge.close)
    return judge


def _open_classifier(settings: SafetySettings, stack: AsyncExitStack) -> Judge:
    directory = settings.safety_classifier_dir
    if directory is None:
        raise fail_misconfigured("SAFETY_CLASSIFIER_DIR", "not set")
    try:
        # It needs the extra `safety-classifier`, which not everybody installs.
        from services.safety.adapters.local_classifier import LocalClassifier  # noqa: PLC0415

        judge = LocalClassifier.of(directory, threads=settings.safety_classifier_threads)
    except ImportError as exc:
        raise fail_misconfigured(
            "SAFETY_JUDGES", f"classifier needs the extra safety-classifier: {exc}"
        ) from None
    except ClassifierError as exc:
        raise fail_misconfigured("SAFETY_CLASSIFIER_DIR", str(exc)) from None
    stack.callback(judge.close)
    return judge
