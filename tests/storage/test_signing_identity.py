"""A certificate that cannot sign stops the service at its start, by the setting's name."""

import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import run

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from pydantic import ValidationError

from services.storage.adapters.credentials import CredentialsUnusable, open_credentials
from services.storage.settings.delivery import DeliverySettings
from tests.storage.certificates import Chain, chain
from tests.storage.signed_files import development, signed_file
from tests.verdict_keys import SIGNER

Files = tuple[Path, Path]
CERTIFICATE, KEY = "C2PA_CERTIFICATE_FILE", "C2PA_PRIVATE_KEY_FILE"
CANARY = "canary-in-a-key"


def plain(directory: Path) -> Files:
    return chain().written(directory)


def of(**how: object) -> Callable[[Path], Files]:
    return lambda directory: chain(**how).written(directory)  # type: ignore[arg-type]


def missing_certificate(directory: Path) -> Files:
    return directory / "nowhere.pem", plain(directory)[1]


def missing_key(directory: Path) -> Files:
    return plain(directory)[0], directory / "nowhere.pem"


def garbled_certificate(directory: Path) -> Files:
    certificate, key = plain(directory)
    certificate.write_text("no certificate")
    return certificate, key


def garbled_key(directory: Path) -> Files:
    certificate, key = plain(directory)
    key.write_text(f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n")
    return certificate, key


def key_of_another(directory: Path) -> Files:
    certificate, key = plain(directory)
    key.write_bytes(chain().key)
    return certificate, key


def signer_alone_and_self_signed(directory: Path) -> Files:
    made = chain()
    return Chain(made.root, made.key, made.root).written(directory)


def directory_for_a_file(directory: Path) -> Files:
    return directory, plain(directory)[1]


@pytest.mark.parametrize(
    ("files", "setting", "reason"),
    [
        (missing_certificate, CERTIFICATE, "cannot be read"),
        (missing_key, KEY, "cannot be read"),
        (directory_for_a_file, CERTIFICATE, "cannot be read"),
        (garbled_certificate, CERTIFICATE, "no certificates"),
        (garbled_key, KEY, "no private key"),
        (key_of_another, KEY, "not the key of"),
        (signer_alone_and_self_signed, KEY, "not the key of"),
        (of(days=(-30, -1)), CERTIFICATE, "has expired on"),
        (of(days=(1, 30)), CERTIFICATE, "not valid before"),
        (of(curve=ec.SECP384R1()), KEY, "P-256"),
        (of(passphrase=b"secret"), KEY, "passphrase"),
        (of(purpose=ExtendedKeyUsageOID.SERVER_AUTH), CERTIFICATE, "not accepted"),
        (of(purpose=x509.ObjectIdentifier("1.2.3.4")), CERTIFICATE, "not accepted"),
    ],
)
def test_the_setting_to_look_at_is_named_and_nothing_secret_told(
    files: Callable[[Path], Files], setting: str, reason: str, tmp_path: Path
) -> None:
    certificate, key = files(tmp_path)
    with pytest.raises(CredentialsUnusable) as unusable:
        open_credentials(
            certificate_file=certificate, private_key_file=key, development_dir=tmp_path / "none"
        )
    assert unusable.value.setting == setting
    assert reason in unusable.value.reason
    told = repr(unusable.value) + repr(unusable.value.__cause__)
    assert CANARY not in told
    assert not (tmp_path / "none").exists()


async def test_the_development_key_is_made_once_and_readable_by_its_owner_only(
    tmp_path: Path,
) -> None:
    development(tmp_path)
    (kept,) = (tmp_path / "credentials").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    before = kept.read_bytes()
    first, second = development(tmp_path), development(tmp_path)
    assert kept.read_bytes() == before
    assert await second.read(await signed_file(first), "image/jpeg") is not None


def test_a_development_file_that_is_no_good_is_named_and_left_alone(tmp_path: Path) -> None:
    development(tmp_path)
    (kept,) = (tmp_path / "credentials").iterdir()
    kept.write_text("spoilt")
    with pytest.raises(CredentialsUnusable, match=r"C2PA_DEVELOPMENT_DIR.*delete it"):
        development(tmp_path)
    assert kept.read_text() == "spoilt"


def test_a_place_where_no_key_can_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("a file where a folder should be")
    with pytest.raises(CredentialsUnusable, match="C2PA_DEVELOPMENT_DIR"):
        development(tmp_path)


def settings(**environment: str) -> DeliverySettings:
    for name, value in environment.items():
        os.environ[name] = value
    try:
        return DeliverySettings()
    finally:
        for name in environment:
            del os.environ[name]


@pytest.mark.parametrize(("given", "missing"), [(CERTIFICATE, KEY), (KEY, CERTIFICATE)])
def test_a_certificate_without_its_key_is_refused(given: str, missing: str) -> None:
    with pytest.raises(ValidationError, match=f"{missing} is needed"):
        settings(**{given: "/a.pem"})


def test_blank_settings_count_as_unset() -> None:
    found = settings(C2PA_CERTIFICATE_FILE="", C2PA_PRIVATE_KEY_FILE=" ", C2PA_TSA_URL="")
    assert (found.c2pa_certificate_file, found.c2pa_private_key_file) == (None, None)
    assert found.c2pa_tsa_url is None


@pytest.mark.parametrize("url", ["ftp://tsa", "http://user:pass@tsa", "http://tsa?key=secret"])
def test_an_authoritys_address_carries_no_secret(url: str) -> None:
    with pytest.raises(ValidationError):
        settings(C2PA_TSA_URL=url)


@pytest.mark.parametrize(
    ("files", "setting"), [(of(days=(-30, -1)), CERTIFICATE), (key_of_another, KEY)]
)
def test_the_service_does_not_start_with_it_and_names_the_setting(
    files: Callable[[Path], Files], setting: str, tmp_path: Path
) -> None:
    certificate, key = files(tmp_path)
    told = {
        "PATH": os.environ["PATH"],
        "NATS_URL": "nats://127.0.0.1:9",
        "OBJECTS_DIR": str(tmp_path / "objects"),
        "LINK_SIGNING_KEY": "1f" * 32,
        "VERDICT_PUBLIC_KEYS": SIGNER.public_key,
        CERTIFICATE: str(certificate),
        KEY: str(key),
    }
    command = [sys.executable, "-m", "services.storage"]
    done = run(command, env=told, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert f"configuration error: {setting}: " in done.stderr
    assert key.read_text().splitlines()[1] not in done.stdout + done.stderr
