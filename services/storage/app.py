"""Composition root of storage."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from services.storage.adapters.ledger_pieces import LedgerPieces
from services.storage.adapters.local_directory import LocalDirectory
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.handler.cleanup import ClearAfterEnd, SweepLeftovers, WithdrawDelivery
from services.storage.handler.deliver import StoreContent
from services.storage.handler.links import ReportHealth, SignObjectLinks
from services.storage.ports import Imaging, ObjectStore
from services.storage.settings import StorageSettings
from shared.calls import SIGN_LINKS, STORAGE_HEALTH
from shared.content import Tier
from shared.rounds import Rounds
from shared.service import Service, open_service
from shared.settings import fail_misconfigured
from shared.topology import CLEAR_FAILED, CLEAR_PERSISTED, CLEAR_REJECTED, STORE, WITHDRAW

_CLEANUP_PERMITS = 16


def assemble(
    service: Service,
    objects: ObjectStore,
    imaging: Imaging,
    *,
    token_secret: bytes,
    public_tiers: Collection[Tier],
    reserve_bytes: int,
    sweep_every_s: float,
    permits: int,
) -> None:
    """Deliver, clean up after ends, sweep up what was left, and sign links."""
    deliver = StoreContent(service.staging, objects, imaging, token_secret, public_tiers)
    service.stage(STORE, deliver, permits=permits)
    clear = ClearAfterEnd(service.staging, objects)
    for step in (CLEAR_PERSISTED, CLEAR_REJECTED, CLEAR_FAILED):
        service.stage(step, clear, permits=_CLEANUP_PERMITS)
    service.stage(WITHDRAW, WithdrawDelivery(objects), permits=_CLEANUP_PERMITS)
    sweep = SweepLeftovers(service.staging, objects, LedgerPieces(service.call))
    sweeper = Rounds("leftovers", sweep, every_s=sweep_every_s)
    service.on_start(sweeper.start)
    service.on_stop(sweeper.stop)
    service.answer(SIGN_LINKS, SignObjectLinks(objects))
    service.answer(STORAGE_HEALTH, ReportHealth(objects, reserve_bytes))


@asynccontextmanager
async def open_app(settings: StorageSettings) -> AsyncIterator[Service]:
    """Everything storage needs, opened and assembled."""
    secret = bytes.fromhex(settings.link_signing_key.get_secret_value())
    objects = LocalDirectory(
        settings.objects_dir, base_url=f"{settings.public_base_url}/objects", signing_key=secret
    )
    try:
        objects.open()
    except OSError as exc:
        raise fail_misconfigured("OBJECTS_DIR", f"cannot write there: {exc.strerror}") from exc
    async with open_service("storage", settings) as service:
        assemble(
            service,
            objects,
            PillowImaging(),
            token_secret=secret,
            public_tiers=settings.public_tiers,
            reserve_bytes=settings.objects_reserve_mb * 2**20,
            sweep_every_s=settings.storage_sweep_seconds,
            permits=settings.storage_concurrency,
        )
        yield service
