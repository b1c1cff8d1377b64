"""`atelier verdict-key`: a key for verdicts, and the public half of one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from shared.signing import VerdictKeys, VerdictSigner
from tests.cli.in_process import Said
from tests.verdict_keys import SEED, SIGNER


def run(*arguments: str, answer: str | bytes = "") -> Said:
    result = CliRunner().invoke(app, ["verdict-key", *arguments], input=answer)
    return Said(result.exit_code, result.stdout, result.stderr)


def settings(said: Said) -> dict[str, str]:
    assert (said.code, said.err) == (0, "")
    return dict(line.split("=") for line in said.out.splitlines())


def test_a_new_key_signs_what_its_public_half_vouches_for() -> None:
    first, second = settings(run()), settings(run())
    assert first.keys() == {"SAFETY_SIGNING_KEY", "VERDICT_PUBLIC_KEYS"}
    assert first["SAFETY_SIGNING_KEY"] != second["SAFETY_SIGNING_KEY"]
    for made in (first, second):
        signer = VerdictSigner(bytes.fromhex(made["SAFETY_SIGNING_KEY"]))
        assert signer.public_key == made["VERDICT_PUBLIC_KEYS"]
        VerdictKeys([made["VERDICT_PUBLIC_KEYS"]])


@pytest.mark.parametrize("text", [SEED, f"{SEED}\n", f"SAFETY_SIGNING_KEY={SEED}\n", SEED.upper()])
def test_the_public_half_of_a_known_key_is_told_alone(text: str, tmp_path: Path) -> None:
    told = settings(run("--public-of", "-", answer=text))
    assert told == {"VERDICT_PUBLIC_KEYS": SIGNER.public_key}
    kept = tmp_path / "seed"
    kept.write_text(text)
    assert settings(run("--public-of", str(kept))) == told


def test_machines_are_told_the_same() -> None:
    assert json.loads(run("--json").out).keys() == {"SAFETY_SIGNING_KEY", "VERDICT_PUBLIC_KEYS"}
    assert run("--public-of", "-", "--json", answer=SEED).json == {
        "VERDICT_PUBLIC_KEYS": SIGNER.public_key
    }


@pytest.mark.parametrize(
    "text", ["", "5e" * 31, "5e" * 33, f"{SEED[:-2]}zz", b"\xff" * 64, "5e" * 9000]
)
def test_what_is_no_seed_is_never_shown(text: str | bytes) -> None:
    said = run("--public-of", "-", answer=text)
    assert (said.code, said.out) == (1, "")
    assert "5e5e" not in said.err


def test_the_help_explains_how_keys_are_exchanged() -> None:
    said = run("--help")
    assert "comma" in said.out
    assert "verdict_unsigned" in said.out
