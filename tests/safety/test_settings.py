"""Settings of moderation: what makes no sense stops the start, by name."""

import pytest
from pydantic import ValidationError

from services.safety.settings import SafetySettings
from shared.settings import EXIT_MISCONFIGURED, load_settings

KNOWN = {"NATS_URL": "nats://127.0.0.1:4222", "SAFETY_SIGNING_KEY": "5e" * 32}


def loaded(monkeypatch: pytest.MonkeyPatch, **given: str) -> SafetySettings:
    for name, text in {**KNOWN, **given}.items():
        monkeypatch.setenv(name, text)
    return load_settings(SafetySettings)


@pytest.mark.parametrize(
    ("given", "judges"),
    [
        ({"SAFETY_JUDGES": "none"}, ()),
        ({"SAFETY_JUDGES": "preview"}, ("preview",)),
        ({"SAFETY_JUDGES": "openai, preview", "OPENAI_API_KEY": "sk"}, ("openai", "preview")),
        (
            {"SAFETY_JUDGES": "classifier", "SAFETY_CLASSIFIER_DIR": "/models"},
            ("classifier",),
        ),
    ],
)
def test_judges_are_named_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], judges: tuple[str, ...]
) -> None:
    assert loaded(monkeypatch, **given).safety_judges == judges


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, ["SAFETY_JUDGES"]),
        ({"SAFETY_JUDGES": ""}, ["SAFETY_JUDGES"]),
        ({"SAFETY_JUDGES": "nobody"}, ["SAFETY_JUDGES"]),
        ({"SAFETY_JUDGES": "none,preview"}, ["SAFETY_JUDGES"]),
        ({"SAFETY_JUDGES": "preview,preview"}, ["SAFETY_JUDGES"]),
        ({"SAFETY_JUDGES": "openai"}, ["OPENAI_API_KEY", "SAFETY_JUDGES"]),
        ({"SAFETY_JUDGES": "openai", "OPENAI_API_KEY": " "}, ["OPENAI_API_KEY"]),
        ({"SAFETY_JUDGES": "classifier"}, ["SAFETY_CLASSIFIER_DIR", "SAFETY_JUDGES"]),
        (
            {"SAFETY_JUDGES": "none", "SAFETY_CHECK_ENABLED": "false"},
            ["SAFETY_CHECK_ENABLED", "SAFETY_JUDGES"],
        ),
        (
            {"SAFETY_JUDGES": "none", "SAFETY_CHECK_SAMPLE_RATE": "0.5"},
            ["SAFETY_CHECK_SAMPLE_RATE", "SAFETY_JUDGES"],
        ),
        (
            {"SAFETY_JUDGES": "none", "SKIP_SAFETY_CHECK_CATEGORIES": "food"},
            ["SKIP_SAFETY_CHECK_CATEGORIES", "SAFETY_JUDGES"],
        ),
        (
            {"SAFETY_JUDGES": "preview", "SAFETY_CHECK_SAMPLE_RATE": "nan"},
            ["SAFETY_CHECK_SAMPLE_RATE"],
        ),
        ({"SAFETY_JUDGES": "preview", "SAFETY_SIGNING_KEY": "5e"}, ["SAFETY_SIGNING_KEY"]),
    ],
)
def test_a_start_that_makes_no_sense_is_refused_by_the_name_of_its_keys(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, str],
    named: list[str],
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SystemExit) as stopped:
        loaded(monkeypatch, **given)
    assert stopped.value.code == EXIT_MISCONFIGURED
    said = capsys.readouterr().err
    assert all(name in said for name in named)


def test_skips_are_read_as_they_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    skips = loaded(
        monkeypatch,
        SAFETY_JUDGES="preview",
        SAFETY_CHECK_ENABLED="false",
        SKIP_SAFETY_CHECK_CATEGORIES="Food, outdoors,",
        SAFETY_CHECK_SAMPLE_RATE="0.25",
    ).skips
    assert (skips.enabled, skips.sample_rate) == (False, 0.25)
    assert skips.categories == {"food", "outdoors"}


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded(monkeypatch, SAFETY_JUDGES="openai", OPENAI_API_KEY="sk-hidden")
    assert "sk-hidden" not in repr(settings)
    assert "5e5e" not in repr(settings)


def test_every_setting_is_explained_by_an_example() -> None:
    for name, field in SafetySettings.model_fields.items():
        assert field.description, name
        assert field.examples, name


def test_a_rate_beyond_all_pieces_is_refused() -> None:
    with pytest.raises(ValidationError):
        SafetySettings.model_validate({"safety_check_sample_rate": 1.1})
