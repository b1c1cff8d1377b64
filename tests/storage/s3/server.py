"""A server that speaks S3, and fresh buckets on it.

`S3_TEST_ENDPOINT`, `S3_TEST_ACCESS_KEY_ID` and `S3_TEST_SECRET_ACCESS_KEY` name a real one, and
`S3_TEST_REGION` its region; the key has to be allowed to make buckets. Without them it is moto's.
"""

import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import uuid4

import aiobotocore.httpsession  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer

from services.storage.adapters.s3.client import Account, s3_client
from services.storage.adapters.s3.layout import Layout
from services.storage.adapters.s3.opening import Remote, open_s3

SECRET_KEY = "canary-secret-access-key"
KEY_ID = "canaryaccesskeyid"


@dataclass(frozen=True)
class S3Server:
    """Where it is; `is_real` where it is not moto's."""

    account: Account
    is_real: bool

    def behind(self, origin: str) -> "S3Server":
        """The same through a proxy."""
        return replace(self, account=replace(self.account, endpoint=origin))

    def public_url(self, layout: Layout) -> str:
        """Where strangers read what is public."""
        folder = "" if layout.public_bucket else "/public"
        return f"{self.account.endpoint}/{layout.public_bucket or layout.bucket}{folder}"


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """The one that the environment names, else moto's."""
    endpoint = os.environ.get("S3_TEST_ENDPOINT")
    if endpoint is None:
        yield from _moto()
        return
    account = Account(
        endpoint.rstrip("/"),
        os.environ["S3_TEST_ACCESS_KEY_ID"],
        os.environ["S3_TEST_SECRET_ACCESS_KEY"],
        os.environ.get("S3_TEST_REGION", "auto"),
    )
    yield S3Server(account, is_real=True)


def _moto() -> Iterator[S3Server]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    account = Account(f"http://{host}:{port}", KEY_ID, SECRET_KEY, "us-east-1")
    with _cheap_clients():
        yield S3Server(account, is_real=False)
    server.stop()


@contextmanager
def _cheap_clients() -> Iterator[None]:
    """Without what takes most of the time of a test: each reads all descriptions and all trust."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        patch.setattr(aiobotocore.httpsession, "get_cert_path", lambda _verify: None)
        yield


@asynccontextmanager
async def buckets(server: S3Server, *, together: bool = False) -> AsyncIterator[Layout]:
    """Fresh ones, gone afterwards."""
    name = f"atelier-test-{uuid4().hex[:12]}"
    layout = Layout(name, None if together else f"{name}-public")
    async with s3_client(server.account) as s3:
        names = [each for each in (layout.bucket, layout.public_bucket) if each]
        for each in names:
            await s3.create_bucket(Bucket=each)
        if layout.public_bucket and not server.is_real:
            await open_to_all(s3, layout.public_bucket)
        yield layout
        for each in names:
            await _delete(s3, each)


async def open_to_all(s3: Any, bucket: str, folder: str = "") -> None:
    """Let strangers read it, as a CDN would."""
    allowed = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/{folder}*",
    }
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    await s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


async def _delete(s3: Any, bucket: str) -> None:
    async for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            await s3.delete_object(Bucket=bucket, Key=found["Key"])
    await s3.delete_bucket(Bucket=bucket)


@asynccontextmanager
async def remote_store(
    server: S3Server, layout: Layout, *, public_url: str | None = None
) -> AsyncIterator[Remote]:
    """The store as storage opens it, looked at."""
    async with open_s3(server.account, layout, public_url=public_url) as remote:
        await remote.probe()
        yield remote
