"""Certificates as an operator may have them, good and bad."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ORGANISATION = "Example Studio"


@dataclass(frozen=True)
class Chain:
    """A chain and its keys in PEM."""

    chain: bytes
    key: bytes
    root: bytes

    def written(self, directory: Path) -> tuple[Path, Path]:
        """The files that `C2PA_CERTIFICATE_FILE` and `C2PA_PRIVATE_KEY_FILE` name."""
        certificate, key = directory / "chain.pem", directory / "key.pem"
        certificate.write_bytes(self.chain)
        key.write_bytes(self.key)
        return certificate, key


def chain(
    *,
    organisation: str = ORGANISATION,
    days: tuple[float, float] = (-1, 365),
    curve: ec.EllipticCurve | None = None,
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    passphrase: bytes | None = None,
) -> Chain:
    """A signer under an authority, valid from `days[0]` to `days[1]` from now."""
    authority = ec.generate_private_key(ec.SECP256R1())
    signer = ec.generate_private_key(curve or ec.SECP256R1())
    root = _certificate(organisation, authority, authority, days, purpose, is_authority=True)
    leaf = _certificate(organisation, signer, authority, days, purpose, is_authority=False)
    sealing = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    return Chain(
        chain=leaf.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM),
        key=signer.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing),
        root=root.public_bytes(Encoding.PEM),
    )


def _certificate(
    organisation: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: CertificateIssuerPrivateKeyTypes,
    days: tuple[float, float],
    purpose: x509.ObjectIdentifier,
    *,
    is_authority: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = dict.fromkeys(
        (
            *("digital_signature", "content_commitment", "key_encipherment"),
            *("data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"),
            *("encipher_only", "decipher_only"),
        ),
        False,
    )
    usage["key_cert_sign" if is_authority else "digital_signature"] = True
    public = issuer_key.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(organisation, "authority" if is_authority else "signer"))
        .issuer_name(_name(organisation, "authority"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=min(days[0], days[1] - 1)))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    if not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(organisation: str, role: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organisation} {role}"),
        ]
    )
