"""Try a provider: `python -m services.generator.trial NAME`, or `atelier providers test NAME`."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import SecretStr

from services.generator.adapters.image_gate import PillowGate
from services.generator.adapters.price_file import PriceFileError, PriceTable, read_prices
from services.generator.app.parts import Parts
from services.generator.app.providers import open_provider
from services.generator.domain.failures import ProviderFailure
from services.generator.ports import PreparedCall
from services.generator.settings import ProviderSettings
from services.generator.trial.report import Report, announcement
from services.generator.trial.telling import Teller, ticking
from services.generator.trial.trying import GivenLink, NoWeights, Trial
from services.generator.trial.wishes import LORA_URL, Wishes, read_wishes, settings_for
from shared import logs
from shared.outcomes import GiveUp, TryLater
from shared.settings import EXIT_MISCONFIGURED, fail_misconfigured

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def main() -> int:
    """Read what is wanted, try it, and say how it went."""
    wishes = read_wishes(sys.argv[1:])
    settings = settings_for(wishes.provider)
    logs.configure(service="trial", level="error", structured=False)
    teller = Teller(_secrets(settings, wishes), wishes.as_json)
    try:
        return asyncio.run(_try(wishes, settings, teller))
    except KeyboardInterrupt:
        teller.news("Stopped. The provider may go on, and bill it.")
        return EXIT_INTERRUPTED


async def _try(wishes: Wishes, settings: ProviderSettings, teller: Teller) -> int:
    prices = await asyncio.to_thread(_prices, settings)
    async with AsyncExitStack() as stack:
        parts = Parts(stack=stack, lora_links=GivenLink(wishes.lora_url), prices=prices)
        built = await open_provider(wishes.provider, settings, parts)
        try:
            call = await built.provider.prepare(wishes.brief)
            teller.news(announcement(built.provider, wishes.brief))
            return await _carry_out(Trial(built.provider, PillowGate()), call, wishes, teller)
        except NoWeights:
            name = built.provider.name
            teller.news(f"{name} applies an avatar's weights: give --lora-url, or set {LORA_URL}.")
            return EXIT_MISCONFIGURED
        except (TryLater, GiveUp) as exc:
            teller.news(f"Not now: {exc}")
            return EXIT_FAILED


async def _carry_out(trial: Trial, call: PreparedCall, wishes: Wishes, teller: Teller) -> int:
    failure: ProviderFailure | None = None
    media_type = ""
    try:
        async with ticking(f"waiting for {trial.provider.name}"):
            media_type = await trial(call, wishes.brief)
    except ProviderFailure as exc:
        failure = exc
    # Paid for, of use or not: whoever wants to see it shall.
    saved = await asyncio.to_thread(_save, trial, wishes.out, teller)
    report = Report(trial, wishes.brief, saved)
    if failure is not None or trial.made is None:
        teller.result(*report.failed(failure or ProviderFailure("BAD_RESPONSE", "no image")))
        return EXIT_FAILED
    teller.result(*report.made(trial.made, media_type))
    return 0


def _prices(settings: ProviderSettings) -> PriceTable:
    try:
        return read_prices(settings.provider_price_file)
    except PriceFileError as exc:
        raise fail_misconfigured("PROVIDER_PRICE_FILE", str(exc)) from None


def _save(trial: Trial, path: Path | None, teller: Teller) -> Path | None:
    """Write the image to a new file that nobody else may read."""
    if trial.made is None or path is None:
        return None
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(trial.made.data)
    except OSError as exc:
        teller.news(f"{path}: {exc.strerror}")
        return None
    return path


def _secrets(settings: ProviderSettings, wishes: Wishes) -> list[str]:
    values = (value for _, value in settings if isinstance(value, SecretStr))
    hidden = [value.get_secret_value() for value in values]
    return [secret for secret in (*hidden, wishes.lora_url or "") if secret]


sys.exit(main())
