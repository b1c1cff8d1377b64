"""Composition root of storage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.storage.adapters.ledger_pieces import LedgerPieces
from services.storage.adapters.local_directory import LocalDirectory
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.handler.cleanup import ClearAfterEnd, SweepLeftovers, WithdrawDelivery
from services.storage.handler.deliver import StoreContent
from services.storage.handler.lending import LendDelivered
from services.storage.handler.links import ReportHealth, SignObjectLinks
from services.storage.ports import Imaging, ObjectStore
from services.storage.settings import StorageSettings
from shared.calls import LEND_BYTES, SIGN_LINKS, STORAGE_HEALTH
from shared.rounds import Rounds
from shared.service import Service, open_service
from shared.settings import fail_misconfigured
from shared.signing import VerdictKeys
from shared.topology import CLEAR_FAILED, CLEAR_PERSISTED, CLEAR_REJECTED, STORE, WITHDRAW

_CLEANUP_PERMITS = 16


def assemble(
    service: Service,
    objects: ObjectStore,
    imaging: Imaging,
    settings: StorageSettings,
    keys: VerdictKeys,
) -> None:
    """Deliver, clean up after ends, sweep up what was left, sign links and lend bytes."""
    secret, tiers = _secret(settings), settings.public_tiers
    deliver = StoreContent(service.staging, objects, imaging, secret, tiers, keys)
    service.stage(STORE, deliver, permits=settings.storage_concurrency)
    clear = ClearAfterEnd(service.staging, objects)
    for step in (CLEAR_PERSISTED, CLEAR_REJECTED, CLEAR_FAILED):
        service.stage(step, clear, permits=_CLEANUP_PERMITS)
    service.stage(WITHDRAW, WithdrawDelivery(objects), permits=_CLEANUP_PERMITS)
    sweep = SweepLeftovers(service.staging, objects, LedgerPieces(service.call))
    sweeper = Rounds("leftovers", sweep, every_s=settings.storage_sweep_seconds)
    service.on_start(sweeper.start)
    service.on_stop(sweeper.stop)
    service.answer(SIGN_LINKS, SignObjectLinks(objects))
    service.answer(LEND_BYTES, LendDelivered(service.staging, objects))
    reserve_bytes = settings.objects_reserve_mb * 2**20
    service.answer(STORAGE_HEALTH, ReportHealth(objects, reserve_bytes))


def _secret(settings: StorageSettings) -> bytes:
    return bytes.fromhex(settings.link_signing_key.get_secret_value())


@asynccontextmanager
async def open_app(settings: StorageSettings) -> AsyncIterator[Service]:
    """Everything storage needs, opened and assembled."""
    objects = LocalDirectory(
        settings.objects_dir,
        base_url=f"{settings.public_base_url}/objects",
        signing_key=_secret(settings),
    )
    try:
        objects.open()
    except OSError as exc:
        raise fail_misconfigured("OBJECTS_DIR", f"cannot write there: {exc.strerror}") from exc
    async with open_service("storage", settings) as service:
        keys = VerdictKeys(settings.verdict_public_keys)
        assemble(service, objects, PillowImaging(), settings, keys)
        yield service
