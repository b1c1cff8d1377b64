"""A server that speaks S3, for the whole session."""

from collections.abc import AsyncIterator, Iterator

import pytest

from services.storage.adapters.s3.layout import Layout
from services.storage.adapters.s3.opening import Remote
from tests.storage.s3.server import S3Server, buckets, remote_store, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
async def layout(s3: S3Server) -> AsyncIterator[Layout]:
    async with buckets(s3) as fresh:
        yield fresh


@pytest.fixture
async def remote(s3: S3Server, layout: Layout) -> AsyncIterator[Remote]:
    async with remote_store(s3, layout, public_url=s3.public_url(layout)) as opened:
        yield opened
