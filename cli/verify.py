"""`atelier verify`: what a file's content credentials say, and whether they hold."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from cli.output import AsJson, complain, print_json
from cli.verify_reading import Unusable, read
from cli.verify_views import as_json as told
from cli.verify_views import show

_ALTERED_OR_NONE = 1
_UNUSABLE = 2


def verify(
    file: Annotated[Path, typer.Argument(help="A JPEG, PNG or WebP.", show_default=False)],
    trust: Annotated[
        Path | None,
        typer.Option(metavar="PEM", help="Only believe signers that these certificates vouch for."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show who made a file, and whether it was altered since; needs no gateway, writes nothing.

    Exits with 0 if it is intact, 1 if it was altered, has no content credentials, or its signer is
    not to be trusted (--trust), 2 if it cannot be read. Without --trust anybody's signature counts.
    """
    try:
        anchors = None if trust is None else _anchors(trust)
        reading = read(file, anchors_pem=anchors)
    except Unusable as exc:
        complain(f"{file}: {exc}")
        raise typer.Exit(_UNUSABLE) from None
    if as_json:
        print_json(told(file, reading))
    else:
        show(file, reading)
    if not reading.holds:
        raise typer.Exit(_ALTERED_OR_NONE)


def _anchors(path: Path) -> str:
    try:
        text = path.read_bytes()
        x509.load_pem_x509_certificates(text)
    except (OSError, ValueError):
        raise Unusable(f"{path} holds no certificates in PEM") from None
    return text.decode()
