"""Composition root of storage."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.storage.adapters.ledger_pieces import LedgerFiles, LedgerPieces, LedgerUploads
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.app.signer import open_signer
from services.storage.app.stores import open_stores
from services.storage.handler.cleanup import ClearAfterEnd, SweepLeftovers, WithdrawDelivery
from services.storage.handler.deliver import StoreContent
from services.storage.handler.holding import Deliver, DeliverOrHold
from services.storage.handler.lending import LendDelivered
from services.storage.handler.links import ReportHealth, SignObjectLinks
from services.storage.handler.orphans import CollectOrphans, SweepHeld
from services.storage.handler.uploading import UploadPiece
from services.storage.ports import Credentials, HeldDeliveries, Imaging, ObjectStore
from services.storage.settings import StorageSettings
from shared.calls import LEND_BYTES, SIGN_LINKS, STORAGE_HEALTH, UPLOAD_PIECE
from shared.rounds import Rounds
from shared.service import Service, open_service
from shared.signing import VerdictKeys
from shared.topology import CLEAR_FAILED, CLEAR_PERSISTED, CLEAR_REJECTED, STORE, WITHDRAW

__all__ = ["assemble", "open_app"]

_CLEANUP_PERMITS = 16
_UPLOADS_AT_A_TIME = 4
"""Each takes two files of a delivery into memory."""
_LOOK_EVERY_S = 10.0


def assemble(
    service: Service,
    objects: ObjectStore,
    imaging: Imaging,
    credentials: Credentials,
    settings: StorageSettings,
    keys: VerdictKeys,
    *,
    held: HeldDeliveries | None = None,
) -> None:
    """Deliver, clean up after ends, sweep up what was left, sign links and lend bytes.

    With `held`, what the store cannot take waits there.
    """

    def deliver(store: ObjectStore) -> Deliver:
        return StoreContent(
            service.staging,
            store,
            imaging,
            credentials,
            settings.link_secret,
            settings.open_tiers,
            keys,
            keep_originals=settings.keep_originals,
        )

    rules = settings.model_dump_json()
    handler = deliver(objects) if held is None else DeliverOrHold(deliver, objects, held, rules)
    service.stage(STORE, handler, permits=settings.storage_concurrency)
    clear = ClearAfterEnd(service.staging, objects)
    for step in (CLEAR_PERSISTED, CLEAR_REJECTED, CLEAR_FAILED):
        service.stage(step, clear, permits=_CLEANUP_PERMITS)
    service.stage(WITHDRAW, WithdrawDelivery(objects), permits=_CLEANUP_PERMITS)
    upload = UploadPiece(
        LedgerUploads(service.call), objects, credentials, settings.open_tiers, keys
    )
    service.answer(UPLOAD_PIECE, upload, workers=_UPLOADS_AT_A_TIME)
    collect = _sweep(service, objects, upload, settings, held)
    service.answer(SIGN_LINKS, SignObjectLinks(objects))
    service.answer(LEND_BYTES, LendDelivered(service.staging, objects))
    reserve_bytes = settings.objects_reserve_mb * 2**20
    health = ReportHealth(objects, reserve_bytes, lambda: collect.removed, held)
    service.answer(STORAGE_HEALTH, health)


def _sweep(
    service: Service,
    objects: ObjectStore,
    upload: UploadPiece,
    settings: StorageSettings,
    held: HeldDeliveries | None,
) -> CollectOrphans:
    ended = LedgerPieces(service.call)
    every_s = settings.storage_sweep_seconds
    sweep = SweepLeftovers(service.staging, objects, ended)
    _keep_going(service, Rounds("leftovers", sweep, every_s=every_s))
    if held is not None:
        _keep_going(service, Rounds("held", SweepHeld(held, ended), every_s=every_s))
    collect = CollectOrphans(
        objects, LedgerFiles(service.call), upload, settings.storage_orphan_grace_seconds
    )
    every_s = settings.storage_orphan_sweep_seconds
    _keep_going(service, Rounds("orphans", collect, every_s=every_s))
    return collect


def _keep_going(service: Service, rounds: Rounds) -> None:
    service.on_start(rounds.start)
    service.on_stop(rounds.stop)


@asynccontextmanager
async def open_app(settings: StorageSettings) -> AsyncIterator[Service]:
    """Everything storage needs, opened and assembled."""
    credentials = await open_signer(settings)
    imaging = PillowImaging(
        settings.delivery_format, settings.delivery_quality, at_once=settings.imaging_concurrency
    )
    async with open_stores(settings) as stores, open_service("storage", settings) as service:
        keys = VerdictKeys(settings.verdict_public_keys)
        assemble(service, stores.objects, imaging, credentials, settings, keys, held=stores.held)
        if stores.look is not None:
            _keep_going(service, Rounds("object store", stores.look, every_s=_LOOK_EVERY_S))
        yield service
