"""Content credentials by C2PA: who signs, what is signed, what is read."""

from services.storage.adapters.credentials.certificates import CredentialsUnusable
from services.storage.adapters.credentials.opening import open_credentials
from services.storage.adapters.credentials.signing import C2paCredentials

__all__ = ["C2paCredentials", "CredentialsUnusable", "open_credentials"]
