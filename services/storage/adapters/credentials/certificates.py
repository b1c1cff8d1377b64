"""A certificate and its key, made sure of before anything is signed with them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

CERTIFICATE_SETTING = "C2PA_CERTIFICATE_FILE"
KEY_SETTING = "C2PA_PRIVATE_KEY_FILE"
_MOST_BYTES = 2**20


class CredentialsUnusable(Exception):
    """Nobody can sign as things are. `setting` is the one to look at."""

    def __init__(self, setting: str, reason: str) -> None:
        super().__init__(f"{setting}: {reason}")
        self.setting = setting
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SigningIdentity:
    """Who signs: a chain in PEM, the signer first, and the signer's key."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    not_after: datetime
    is_development: bool = False

    def is_expired(self, now: datetime) -> bool:
        """Whether nobody would accept what it signs now."""
        return now >= self.not_after


def load_identity(certificate_file: Path, key_file: Path) -> SigningIdentity:
    """The operator's own certificate. Raises CredentialsUnusable."""
    chain_pem = _read(CERTIFICATE_SETTING, certificate_file)
    return identity_of(
        chain_pem, _read(KEY_SETTING, key_file), settings=(CERTIFICATE_SETTING, KEY_SETTING)
    )


def identity_of(
    chain_pem: bytes, key_pem: bytes, *, settings: tuple[str, str], is_development: bool = False
) -> SigningIdentity:
    """A pair that belongs together and counts today; `settings` are blamed otherwise."""
    certificate_setting, key_setting = settings
    signer = _signer(certificate_setting, chain_pem)
    key = _key(key_setting, key_pem)
    if signer.public_key() != key.public_key():
        raise CredentialsUnusable(key_setting, f"is not the key of {certificate_setting}")
    _check_dates(certificate_setting, signer)
    return SigningIdentity(
        chain_pem=chain_pem,
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        not_after=signer.not_valid_after_utc,
        is_development=is_development,
    )


def _read(setting: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES)
    except OSError as exc:
        raise CredentialsUnusable(setting, f"cannot be read: {exc.strerror}") from exc


def _signer(setting: str, chain_pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(chain_pem)[0]
    except ValueError:
        raise CredentialsUnusable(setting, "holds no certificates in PEM") from None


def _key(setting: str, key_pem: bytes) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(key_pem, password=None)
    except TypeError:
        raise CredentialsUnusable(setting, "has a passphrase; store it without one") from None
    except (ValueError, UnsupportedAlgorithm):
        # Without the cause: it may quote what it has read.
        raise CredentialsUnusable(setting, "holds no private key in PEM") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise CredentialsUnusable(setting, "es256 needs a key on the curve P-256")
    return key


def _check_dates(setting: str, signer: x509.Certificate) -> None:
    now = datetime.now(UTC)
    if now >= signer.not_valid_after_utc:
        raise CredentialsUnusable(setting, f"has expired on {signer.not_valid_after_utc:%Y-%m-%d}")
    if now < signer.not_valid_before_utc:
        raise CredentialsUnusable(
            setting, f"is not valid before {signer.not_valid_before_utc:%Y-%m-%d}"
        )
