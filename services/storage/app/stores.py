"""The stores of delivered files, from their settings."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.storage.adapters.held_directory import HeldDirectory
from services.storage.adapters.local_directory import LocalDirectory
from services.storage.ports import HeldDeliveries, ObjectStore
from services.storage.settings import StorageSettings
from shared.settings import fail_misconfigured

_HELD = ".held"


@dataclass(frozen=True, slots=True)
class Stores:
    """Where files go. A store that can be away has a place to wait for it, and is looked after."""

    objects: ObjectStore
    held: HeldDeliveries | None = None
    look: Callable[[], Awaitable[None]] | None = None


@asynccontextmanager
async def open_stores(settings: StorageSettings) -> AsyncIterator[Stores]:
    """The local directory, or a remote store. Exits where the settings cannot be meant."""
    if not settings.is_remote:
        yield Stores(_local(settings))
        return
    # Here: its library takes half a second to load, which nobody needs without a remote store.
    from services.storage.app.remote import open_remote  # noqa: PLC0415

    held = _held(settings)
    async with open_remote(settings) as remote:
        yield Stores(remote.objects, held, remote.probe)


def _local(settings: StorageSettings) -> LocalDirectory:
    objects = LocalDirectory(
        settings.objects_dir,
        base_url=f"{settings.public_base_url}/objects",
        signing_key=settings.link_secret,
    )
    _open(objects)
    return objects


def _held(settings: StorageSettings) -> HeldDirectory:
    held = HeldDirectory(
        settings.objects_dir / _HELD,
        limit_bytes=settings.held_limit_mb * 2**20,
        reserve_bytes=settings.objects_reserve_mb * 2**20,
    )
    _open(held)
    return held


def _open(directory: LocalDirectory | HeldDirectory) -> None:
    try:
        directory.open()
    except OSError as exc:
        raise fail_misconfigured("OBJECTS_DIR", f"cannot write there: {exc.strerror}") from exc
