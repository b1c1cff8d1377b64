"""Settings of the remote store: all of it or nothing, and never shown."""

import sys
from subprocess import run

import pytest

from services.storage.settings import StorageSettings
from shared.content import Tier
from shared.settings import load_settings
from tests.verdict_keys import SIGNER

NEEDED = {
    "NATS_URL": "nats://127.0.0.1:1",
    "OBJECTS_DIR": "/tmp/objects",
    "LINK_SIGNING_KEY": "00" * 32,
    "VERDICT_PUBLIC_KEYS": SIGNER.public_key,
}
R2 = {
    "R2_ACCOUNT_ID": "0123456789abcdef0123456789abcdef",
    "R2_ACCESS_KEY_ID": "canary-key-id",
    "R2_SECRET_ACCESS_KEY": "canary-secret",
    "R2_BUCKET_NAME": "atelier-private",
}


def settings(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> StorageSettings:
    for name in StorageSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in (NEEDED | environment).items():
        monkeypatch.setenv(name, value)
    return load_settings(StorageSettings)


def without(name: str) -> dict[str, str]:
    return {key: value for key, value in R2.items() if key != name}


def test_without_any_the_directory_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    blank = dict.fromkeys(R2, " ") | {"R2_PUBLIC_URL": "", "R2_ENDPOINT_URL": ""}
    for environment in ({}, blank):
        found = settings(monkeypatch, environment)
        assert not found.is_remote
        assert found.open_tiers == (Tier.CAPA1,)


def test_the_address_follows_from_the_account_unless_it_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    account = R2["R2_ACCOUNT_ID"]
    assert settings(monkeypatch, R2).endpoint == f"https://{account}.r2.cloudflarestorage.com"
    given = {"R2_ENDPOINT_URL": "https://s3.example.com:9000/"}
    assert settings(monkeypatch, R2 | given).endpoint == "https://s3.example.com:9000"
    assert settings(monkeypatch, without("R2_ACCOUNT_ID") | given).is_remote


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        *((without(name), name) for name in R2),
        ({"R2_PUBLIC_URL": "https://cdn.example.com"}, "R2_BUCKET_NAME"),
        ({"R2_ACCOUNT_ID": R2["R2_ACCOUNT_ID"]}, "R2_SECRET_ACCESS_KEY"),
        (R2 | {"R2_SECRET_ACCESS_KEY": " "}, "R2_SECRET_ACCESS_KEY"),
        (R2 | {"R2_PUBLIC_BUCKET_NAME": "atelier-public"}, "R2_PUBLIC_URL"),
        (
            R2 | {"R2_PUBLIC_BUCKET_NAME": "atelier-private", "R2_PUBLIC_URL": "https://c.example"},
            "R2_PUBLIC_BUCKET_NAME",
        ),
        (R2 | {"R2_ENDPOINT_URL": "https://x.example/bucket"}, "R2_ENDPOINT_URL"),
        (R2 | {"R2_ENDPOINT_URL": "https://user:pw@x.example"}, "R2_ENDPOINT_URL"),
        (R2 | {"R2_PUBLIC_URL": "cdn.example.com"}, "R2_PUBLIC_URL"),
        (R2 | {"R2_BUCKET_NAME": "Not_A_Bucket"}, "R2_BUCKET_NAME"),
        (R2 | {"R2_ADDRESSING_STYLE": "odd"}, "R2_ADDRESSING_STYLE"),
    ],
)
def test_what_cannot_be_meant_stops_the_service_by_name(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    named: str,
) -> None:
    with pytest.raises(SystemExit) as exits:
        settings(monkeypatch, environment)
    said = capsys.readouterr().err
    assert exits.value.code == 2
    assert named in said
    assert "canary" not in said


def test_without_a_public_address_nothing_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, R2).open_tiers == ()
    served = R2 | {"R2_PUBLIC_URL": "https://cdn.example.com"}
    assert settings(monkeypatch, served).open_tiers == (Tier.CAPA1,)


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = settings(monkeypatch, R2)
    for shown in (repr(found), str(found), found.model_dump_json()):
        assert "canary" not in shown


def test_without_a_remote_store_its_library_is_not_loaded() -> None:
    program = "import sys, services.storage.app; print('botocore' in sys.modules)"
    done = run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"
