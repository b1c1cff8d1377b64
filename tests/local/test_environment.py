"""What child processes see of the user's environment."""

import pytest

from deploy.local.environment import child_environment


def seen(service: str, **user: str) -> dict[str, str]:
    return child_environment(service, user, {"NATS_URL": "nats://secret@127.0.0.1:1"})


def test_the_preview_provider_and_judge_are_named_explicitly() -> None:
    assert seen("generator")["AI_IMAGE_PROVIDER"] == "preview"
    assert seen("safety")["SAFETY_JUDGES"] == "preview"


def test_what_the_user_sets_wins_over_the_defaults() -> None:
    assert seen("generator", AI_IMAGE_PROVIDER="modal_sdxl_lora")["AI_IMAGE_PROVIDER"] == (
        "modal_sdxl_lora"
    )
    assert seen("hooks", ENABLE_STRUCTURED_LOGGING="true")["ENABLE_STRUCTURED_LOGGING"] == "true"


def test_settings_of_the_embedded_mode_win_over_the_users() -> None:
    ours = {"GATEWAY_PORT": "8081"}
    assert child_environment("gateway", {"GATEWAY_PORT": "8080"}, ours)["GATEWAY_PORT"] == "8081"


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("MODAL_API_TOKEN", "generator"),
        ("DATABASE_URL", "ledger"),
        ("LINK_SIGNING_KEY", "storage"),
        ("R2_SECRET_ACCESS_KEY", "storage"),
        ("ANTHROPIC_API_KEY", "hooks"),
        ("SAFETY_SECRET", "safety"),
    ],
)
def test_a_credential_reaches_its_owner_and_no_stranger(name: str, owner: str) -> None:
    services = ("gateway", "generator", "hooks", "safety", "storage", "ledger")
    who = {service for service in services if name in seen(service, **{name: "secret"})}
    assert owner in who
    assert len(who) <= 2


def test_credentials_for_other_programs_reach_nobody() -> None:
    assert "GITHUB_TOKEN" not in seen("generator", GITHUB_TOKEN="secret")
    assert "AWS_SESSION_TOKEN" not in seen("gateway", AWS_SESSION_TOKEN="secret")


def test_settings_that_are_no_credentials_reach_every_service() -> None:
    assert seen("hooks", LOG_LEVEL="debug", MODAL_MODE="sync")["MODAL_MODE"] == "sync"


@pytest.mark.parametrize(
    "name", ["PYTHONHOME", "PYTHONSTARTUP", "NOTIFY_SOCKET", "LISTEN_FDS", "PGHOST", "VIRTUAL_ENV"]
)
def test_what_is_meant_for_our_own_process_stops_here(name: str) -> None:
    assert name not in seen("ledger", **{name: "x"})
