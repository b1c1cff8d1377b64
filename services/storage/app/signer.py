"""Who signs content credentials, from the settings."""

import asyncio

from services.storage.adapters.credentials import (
    C2paCredentials,
    CredentialsUnusable,
    open_credentials,
)
from services.storage.settings import StorageSettings
from shared.settings import fail_misconfigured

_DEVELOPMENT = "credentials"


async def open_signer(settings: StorageSettings) -> C2paCredentials:
    """Exits where the certificate or its key cannot be used."""
    beside_objects = settings.objects_dir.parent / _DEVELOPMENT
    try:
        return await asyncio.to_thread(
            open_credentials,
            certificate_file=settings.c2pa_certificate_file,
            private_key_file=settings.c2pa_private_key_file,
            development_dir=settings.c2pa_development_dir or beside_objects,
            tsa_url=settings.c2pa_tsa_url,
        )
    except CredentialsUnusable as exc:
        raise fail_misconfigured(exc.setting, exc.reason) from exc
