"""A wrong setting stops a service before it begins, in one line that names the key."""

import pytest
from pydantic import Field

from shared.settings import EXIT_MISCONFIGURED, ServiceSettings, load_settings


class DemoSettings(ServiceSettings):
    demo_limit: int = Field(default=3, ge=1, examples=[3])
    demo_tiers: frozenset[str] = frozenset()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", "nats://127.0.0.1:4222")
    for key in ("DEMO_LIMIT", "DEMO_TIERS", "LOG_LEVEL", "NATS_NAMESPACE", "NATS_NKEY_SEED"):
        monkeypatch.delenv(key, raising=False)


def refused(capsys: pytest.CaptureFixture[str]) -> list[str]:
    with pytest.raises(SystemExit) as exit_info:
        load_settings(DemoSettings)
    assert exit_info.value.code == EXIT_MISCONFIGURED == 2
    return capsys.readouterr().err.splitlines()


def test_a_missing_key_is_named_with_an_example(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NATS_URL")
    [line] = refused(capsys)
    assert line.startswith("configuration error: NATS_URL: not set")
    assert line.endswith("(for example NATS_URL=nats://127.0.0.1:4222)")


def test_every_wrong_key_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_LIMIT", "0")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    lines = refused(capsys)
    assert [line.split(":")[1].strip() for line in sorted(lines)] == ["DEMO_LIMIT", "LOG_LEVEL"]


def test_a_list_that_is_no_list_is_named_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_TIERS", "capa1")
    [line] = refused(capsys)
    assert "demo_tiers" in line.lower()


def test_the_value_of_a_wrong_key_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NATS_NAMESPACE", "hunter 2")
    assert "hunter" not in "".join(refused(capsys))


@pytest.mark.parametrize("seed", ["hunter2", "SAhunter2", "SU" + "1" * 56, ""])
def test_a_seed_that_is_none_is_named_with_a_way_to_make_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], seed: str
) -> None:
    monkeypatch.setenv("NATS_NKEY_SEED", seed)
    [line] = refused(capsys)
    assert line.startswith("configuration error: NATS_NKEY_SEED: ")
    assert line.endswith("(for example NATS_NKEY_SEED=the output of: nk -gen user)")
    assert "hunter2" not in line
    assert "1111" not in line


def test_keys_may_be_written_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("demo_limit", "7")
    assert load_settings(DemoSettings).demo_limit == 7


def test_a_secret_does_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_URL", "nats://hunter2@127.0.0.1:4222")
    assert "hunter2" not in repr(load_settings(DemoSettings))
