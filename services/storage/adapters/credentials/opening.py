"""Open the credentials, and make sure that they can sign before anything is delivered."""

import io
from datetime import UTC, datetime
from pathlib import Path

import c2pa
import structlog
from PIL import Image

from services.storage.adapters.credentials.certificates import (
    CERTIFICATE_SETTING,
    CredentialsUnusable,
    SigningIdentity,
    load_identity,
)
from services.storage.adapters.credentials.development import SETTING, development_identity
from services.storage.adapters.credentials.signing import C2paCredentials, CredentialsFaulty
from services.storage.ports import Encoded
from shared.provenance import Provenance

log = structlog.get_logger(__name__)


def open_credentials(
    *,
    certificate_file: Path | None,
    private_key_file: Path | None,
    development_dir: Path,
    tsa_url: str | None = None,
) -> C2paCredentials:
    """Sign with the operator's certificate, else with a development one.

    Raises CredentialsUnusable.
    """
    if certificate_file is not None and private_key_file is not None:
        setting, identity = CERTIFICATE_SETTING, load_identity(certificate_file, private_key_file)
    else:
        setting, identity = SETTING, development_identity(development_dir)
        log.warning("credentials.development", remedy=f"set {CERTIFICATE_SETTING}")
    _try(setting, identity)
    return C2paCredentials(identity, tsa_url=tsa_url)


def _try(setting: str, identity: SigningIdentity) -> None:
    """Sign something small; a time-stamp authority that is away is no reason not to start."""
    try:
        C2paCredentials(identity).sign(_small_image(), _PROBE)
    except (CredentialsFaulty, c2pa.C2paError) as exc:
        told = str(exc) if isinstance(exc, CredentialsFaulty) else type(exc).__name__
        raise CredentialsUnusable(setting, f"is not accepted for signing: {told}") from exc


def _small_image() -> Encoded:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "JPEG")
    return Encoded(out.getvalue(), "image/jpeg", "jpg", 8, 8)


_PROBE = Provenance(
    piece_id="probe",
    run=1,
    source_sha256="0" * 64,
    model="none",
    ordered_at=datetime(2026, 1, 1, tzinfo=UTC),
    generation_time_ms=0,
)
