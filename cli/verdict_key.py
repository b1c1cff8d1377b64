"""`atelier verdict-key`: the key that signs verdicts."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

import secrets
import sys
from typing import Annotated

import typer

from cli.output import AsJson, fail, print_json
from shared.signing import KEY_BYTES, VerdictSigner

_MOST_SIGNS = 4096
_TEXT = """\
Make an Ed25519 key for verdicts, and print the settings that name its halves.

SAFETY_SIGNING_KEY is a secret of the safety service alone. VERDICT_PUBLIC_KEYS goes to storage and
ledger, who believe verdicts that any of these keys has signed. The secret is printed for you to put
it where you keep secrets: do not run this where output is recorded.

To exchange keys, add the new public key to VERDICT_PUBLIC_KEYS of storage and ledger, after a
comma, and restart them. Then give safety its new SAFETY_SIGNING_KEY and restart it. When a day has
passed, no piece is under way that was judged before: remove the old public key. What waits for
review may wait longer, since safety signs every approval anew.

After a theft remove the old public key at once: pieces that it has signed and that are not finished
then fail as verdict_unsigned.
"""
# A terminal breaks lines where it ends.
HELP = "\n\n".join(" ".join(paragraph.split()) for paragraph in _TEXT.split("\n\n"))


def verdict_key(
    public_of: Annotated[
        typer.FileText | None,
        typer.Option(
            "--public-of",
            metavar="FILE",
            errors="replace",
            help="Print the public half of this secret only; - reads it from stdin.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a new key, or the public half of a known one."""
    told = _made() if public_of is None else _public(_seed(public_of.read(_MOST_SIGNS)))
    if as_json:
        print_json(told)
        return
    sys.stdout.writelines(f"{name}={value}\n" for name, value in told.items())


def _made() -> dict[str, str]:
    seed = secrets.token_bytes(KEY_BYTES)
    return {"SAFETY_SIGNING_KEY": seed.hex()} | _public(seed)


def _public(seed: bytes) -> dict[str, str]:
    return {"VERDICT_PUBLIC_KEYS": VerdictSigner(seed).public_key}


def _seed(text: str) -> bytes:
    # As it stands in a file of settings, or alone.
    digits = text.strip().removeprefix("SAFETY_SIGNING_KEY=")
    try:
        seed = bytes.fromhex(digits)
    except ValueError:
        seed = b""
    if len(seed) != KEY_BYTES:
        # Without the text: it may be most of a secret.
        fail(
            "that is no secret half of a key",
            next_step=f"It has {KEY_BYTES} bytes, in hexadecimal.",
        )
    return seed
