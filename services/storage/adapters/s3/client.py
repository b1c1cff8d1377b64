"""A client for one store: one attempt a call, quiet, and with our own idea of checksums."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import aioboto3  # type: ignore[import-untyped]
from botocore.config import Config  # type: ignore[import-untyped]

# At DEBUG they show whole requests: signatures, signed links, credentials.
_CHATTY = ("aioboto3", "aiobotocore", "boto3", "botocore", "s3transfer")
_CONNECT_S = 5.0
_READ_S = 15.0
_CONNECTIONS = 32


@dataclass(frozen=True, slots=True)
class Account:
    """Where the store is, and as whom we come."""

    endpoint: str
    access_key_id: str
    secret_access_key: str
    region: str = "auto"
    addressing_style: Literal["path", "virtual"] = "path"

    def __repr__(self) -> str:
        return f"Account({self.endpoint!r})"


@asynccontextmanager
async def s3_client(account: Account) -> AsyncIterator[Any]:
    """Opens no connection yet."""
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    session = aioboto3.Session(
        aws_access_key_id=account.access_key_id,
        aws_secret_access_key=account.secret_access_key,
        region_name=account.region,
    )
    async with session.client("s3", endpoint_url=account.endpoint, config=_config(account)) as s3:
        yield s3


def _config(account: Account) -> Config:
    return Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        max_pool_connections=_CONNECTIONS,
        # One retry policy, ours.
        retries={"total_max_attempts": 1, "mode": "standard"},
        signature_version="s3v4",
        s3={
            "addressing_style": account.addressing_style,
            # The SHA-256 that we send is signed instead; hashing here would block the loop.
            "payload_signing_enabled": False,
        },
        # R2 refuses the CRC-32 trailers that the library would add by itself.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
