"""The remote store, opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from services.storage.adapters.s3.calls import Calls
from services.storage.adapters.s3.client import Account, s3_client
from services.storage.adapters.s3.layout import Layout
from services.storage.adapters.s3.objects import S3Objects
from services.storage.adapters.s3.probe import Probe
from services.storage.adapters.s3.writing import CreateOnly


@dataclass(frozen=True, slots=True)
class Remote:
    """The store, and the look at it that has to come before any writing."""

    objects: S3Objects
    probe: Probe


@asynccontextmanager
async def open_s3(
    account: Account, layout: Layout, *, public_url: str | None
) -> AsyncIterator[Remote]:
    """Whether it answers is the probe's to find out."""
    async with s3_client(account) as client:
        calls = Calls(client)
        writer = CreateOnly(calls)
        objects = S3Objects(calls, writer, layout, public_url=public_url)
        yield Remote(objects, Probe(calls, writer, layout, account.endpoint, public_url))
