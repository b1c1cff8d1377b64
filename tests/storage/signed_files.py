"""Delivered files with real credentials."""

from datetime import UTC, datetime
from pathlib import Path

from services.storage.adapters.credentials import C2paCredentials, open_credentials
from services.storage.adapters.pillow_imaging import PillowImaging
from services.storage.domain import DeliveryFormat
from services.storage.ports import Copies
from shared.provenance import AppliedLora, Provenance
from tests.storage.certificates import Chain
from tests.storage.pictures import encoded, gradient


def provenance(**overrides: object) -> Provenance:
    fields: dict[str, object] = {
        "piece_id": "piece-1",
        "run": 1,
        "source_sha256": "5" * 64,
        "model": "sdxl-base-1.0",
        "lora": AppliedLora(key_sha256="a" * 64, scale=0.9),
        "ordered_at": datetime(2026, 11, 1, 12, tzinfo=UTC),
        "generation_time_ms": 8200,
    }
    return Provenance.model_validate(fields | overrides)


def development(directory: Path) -> C2paCredentials:
    """Credentials of nobody in particular."""
    return open_credentials(
        certificate_file=None, private_key_file=None, development_dir=directory / "credentials"
    )


def of_operator(chain: Chain, directory: Path, *, tsa_url: str | None = None) -> C2paCredentials:
    """Credentials by the operator's own certificate."""
    certificate, key = chain.written(directory)
    return open_credentials(
        certificate_file=certificate,
        private_key_file=key,
        development_dir=directory / "none",
        tsa_url=tsa_url,
    )


async def derived(imaging: PillowImaging, image: bytes) -> Copies:
    """Its copies, unsigned."""
    return await imaging.derive(image, lambda plain: plain)


async def copies(wanted: DeliveryFormat = DeliveryFormat.JPEG) -> Copies:
    return await derived(PillowImaging(wanted), encoded(gradient(320, 240)))


async def signed_file(
    credentials: C2paCredentials, wanted: DeliveryFormat = DeliveryFormat.JPEG, **news: object
) -> bytes:
    return credentials.sign((await copies(wanted)).image, provenance(**news))
