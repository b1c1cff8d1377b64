"""The port `Credentials` by the C2PA library."""

import asyncio
import io
import json
from datetime import UTC, datetime
from typing import Any

import c2pa
import structlog

from services.storage.adapters.credentials.certificates import (
    CERTIFICATE_SETTING,
    SigningIdentity,
)
from services.storage.adapters.credentials.manifest import manifest_of
from services.storage.ports import Encoded
from shared.outcomes import TryLater
from shared.provenance import Provenance, faults_in, provenance_in

log = structlog.get_logger(__name__)

_READ_AT_ONCE = 2
_SETTINGS = {
    # A thumbnail in the manifest costs 90 ms and makes a file of 300 kB ten times as large.
    "builder": {"thumbnail": {"enabled": False}},
    # Reading is offline, whatever a file asks for; what is signed is read back by us.
    "verify": {"verify_after_sign": False, "remote_manifest_fetch": False, "ocsp_fetch": False},
}


class CredentialsFaulty(Exception):
    """What was just signed does not verify: a bug, or a certificate that no reader accepts."""


class C2paCredentials:
    """Signs with one identity, and reads what any has signed."""

    def __init__(self, identity: SigningIdentity, *, tsa_url: str | None = None) -> None:
        self._identity = identity
        self._asks_others = tsa_url is not None
        self._context = c2pa.Context.from_dict(_SETTINGS)
        self._signer = c2pa.Signer.from_info(
            c2pa.C2paSignerInfo("es256", identity.chain_pem, identity.key_pem, tsa_url)
        )
        self._permits = asyncio.Semaphore(_READ_AT_ONCE)

    async def read(self, data: bytes, media_type: str) -> Provenance | None:
        async with self._permits:
            return await asyncio.to_thread(self._read, data, media_type)

    def sign(self, image: Encoded, provenance: Provenance) -> bytes:
        """Raises TryLater, CredentialsFaulty."""
        now = datetime.now(UTC)
        if self._identity.is_expired(now):
            log.error("credentials.expired", setting=CERTIFICATE_SETTING)
            raise TryLater(f"the certificate of {CERTIFICATE_SETTING} has expired")
        news = {"signed_at": now, "development": self._identity.is_development}
        told = provenance.model_copy(update=news)
        signed = self._signed(image, manifest_of(told))
        self._check(signed, image.media_type, told)
        return signed

    def _signed(self, image: Encoded, manifest: str) -> bytes:
        out = io.BytesIO()
        try:
            with c2pa.Builder(manifest, self._context) as builder:
                builder.sign(self._signer, image.media_type, io.BytesIO(image.data), out)
        except c2pa.C2paError as exc:
            if self._asks_others:
                raise TryLater(f"cannot sign; is C2PA_TSA_URL up? {type(exc).__name__}") from exc
            raise CredentialsFaulty(type(exc).__name__) from exc
        return out.getvalue()

    def _check(self, signed: bytes, media_type: str, told: Provenance) -> None:
        store = self._store(signed, media_type)
        if store is None or faults_in(store) or provenance_in(store) != told:
            raise CredentialsFaulty(", ".join(faults_in(store or {})) or "not what was signed")

    def _read(self, data: bytes, media_type: str) -> Provenance | None:
        store = self._store(data, media_type)
        return None if store is None or faults_in(store) else provenance_in(store)

    def _store(self, data: bytes, media_type: str) -> dict[str, Any] | None:
        try:
            with c2pa.Reader(media_type, io.BytesIO(data), context=self._context) as reader:
                store = json.loads(reader.json())
        except c2pa.C2paError:
            return None
        return store if isinstance(store, dict) else None
