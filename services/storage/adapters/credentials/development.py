"""A certificate chain of our own making, for those who have none: nobody vouches for it."""

import contextlib
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from services.storage.adapters.credentials.certificates import (
    CredentialsUnusable,
    SigningIdentity,
    identity_of,
)
from shared.provenance import DEVELOPMENT_SIGNER

SETTING = "C2PA_DEVELOPMENT_DIR"
FILE = "development.pem"
_VALID = timedelta(days=3650)
_CLOCKS_DIFFER = timedelta(days=1)
_USES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)


def development_identity(directory: Path) -> SigningIdentity:
    """The chain that is kept in this directory, made if there is none. Raises CredentialsUnusable.

    Replicas that share the directory share the chain.
    """
    path = directory / FILE
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _keep(path, _made())
        text = path.read_bytes()
    except OSError as exc:
        raise CredentialsUnusable(SETTING, f"cannot keep a file there: {exc.strerror}") from exc
    try:
        # Whoever reads a chain finds it, and whoever reads a key, in the same file.
        return identity_of(text, text, settings=(SETTING, SETTING), is_development=True)
    except CredentialsUnusable as exc:
        reason = f"{FILE} {exc.reason}; delete it, and a new one is made"
        raise CredentialsUnusable(SETTING, reason) from exc


def _keep(path: Path, text: bytes) -> None:
    """Whole or not at all; if another replica was first, its file stays."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


def _made() -> bytes:
    authority, signer = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("authority", authority, "authority", authority)
    leaf = _certificate("signer", signer, "authority", authority)
    key = signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # The authority's key is forgotten: it signs nothing else.
    return b"".join((leaf.public_bytes(Encoding.PEM), root.public_bytes(Encoding.PEM), key))


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    """By the certificate profile of the C2PA specification, section 14.5."""
    is_authority = subject == issuer
    now = datetime.now(UTC)
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS_DIFFER)
        .not_valid_after(now + _VALID)
        .add_extension(
            x509.BasicConstraints(is_authority, 0 if is_authority else None), critical=True
        )
        .add_extension(
            _usage("key_cert_sign" if is_authority else "digital_signature"), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(identifier, critical=False)
    )
    if not is_authority:
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, DEVELOPMENT_SIGNER),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{DEVELOPMENT_SIGNER} {role}, not trusted"),
        ]
    )


def _usage(allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use == allowed for use in _USES})
