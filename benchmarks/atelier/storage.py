"""Storage as shipped, but for a directory whose uploads take `BENCH_UPLOAD_SECONDS` a piece."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.atelier.slowness import Slowness
from services.storage.adapters.local_directory import LocalDirectory
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.app import assemble
from services.storage.app.signer import open_signer
from services.storage.ports import Area
from services.storage.settings import StorageSettings
from shared.service import Service, open_service, run
from shared.signing import VerdictKeys

_FILES_A_PIECE = 2


class SlowDirectory(LocalDirectory):
    """Takes its time over every file, as a bucket far away does."""

    takes_s = 0.0

    async def create(self, area: Area, key: str, data: bytes, *, media_type: str) -> None:
        await asyncio.sleep(self.takes_s / _FILES_A_PIECE)
        await super().create(area, key, data, media_type=media_type)


@asynccontextmanager
async def open_app(settings: StorageSettings) -> AsyncIterator[Service]:
    """Storage as shipped, with this directory."""
    secret = bytes.fromhex(settings.link_signing_key.get_secret_value())
    objects = SlowDirectory(
        settings.objects_dir, base_url=f"{settings.public_base_url}/objects", signing_key=secret
    )
    objects.takes_s = Slowness().bench_upload_seconds
    objects.open()
    imaging = PillowImaging(
        settings.delivery_format, settings.delivery_quality, at_once=settings.imaging_concurrency
    )
    credentials = await open_signer(settings)
    async with open_service("storage", settings) as service:
        keys = VerdictKeys(settings.verdict_public_keys)
        assemble(service, objects, imaging, credentials, settings, keys)
        yield service


if __name__ == "__main__":
    run("storage", StorageSettings, open_app)
