"""The remote store from its settings, looked at before anything is entrusted to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from pydantic import SecretStr

from services.storage.adapters.s3.client import Account
from services.storage.adapters.s3.layout import Layout
from services.storage.adapters.s3.opening import Remote, open_s3
from services.storage.adapters.s3.probe import Probe, SettingsWrong
from services.storage.settings import StorageSettings
from shared.outcomes import TryLater
from shared.settings import fail_misconfigured

log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_remote(settings: StorageSettings) -> AsyncIterator[Remote]:
    """Exits where the store says that the settings are wrong, not where it says nothing."""
    layout = Layout(settings.r2_bucket_name or "", settings.r2_public_bucket_name)
    async with open_s3(_account(settings), layout, public_url=settings.r2_public_url) as remote:
        await _look(remote.probe)
        yield remote


async def _look(probe: Probe) -> None:
    try:
        await probe()
    except SettingsWrong as wrong:
        raise fail_misconfigured(wrong.setting, wrong.detail) from None
    except TryLater as exc:
        # It may come back: until then everything is held.
        log.warning("objects.store_away", error=exc.detail)


def _account(settings: StorageSettings) -> Account:
    return Account(
        endpoint=settings.endpoint,
        access_key_id=_plain(settings.r2_access_key_id),
        secret_access_key=_plain(settings.r2_secret_access_key),
        region=settings.r2_region,
        addressing_style=settings.r2_addressing_style,
    )


def _plain(secret: SecretStr | None) -> str:
    # The settings are complete, or would not have been accepted.
    return "" if secret is None else secret.get_secret_value()
