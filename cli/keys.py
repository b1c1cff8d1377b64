"""`atelier keys`: who may use the API, and for what."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.api import DEFAULT_URL, Api, Key, Url, api
from cli.output import AsJson, Yes, confirm, console, errors, print_json, print_table

app = typer.Typer(no_args_is_help=True, help="Issue, list and revoke API keys.")

_LONGEST_LIFE_DAYS = 3650
_LIMIT = re.compile(r"([0-9]{1,7})/([0-9]{1,5})")


@app.callback()
def _remember_gateway(context: typer.Context, url: Url = DEFAULT_URL, api_key: Key = None) -> None:
    context.obj = (url, api_key)


@app.command()
def issue(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    scopes: Annotated[
        str, typer.Option(metavar="LIST", help="Of read,write,review,admin.")
    ] = "read,write",
    limit: Annotated[
        str, typer.Option(metavar="N/S", help="At most N requests in S seconds.")
    ] = "600/60",
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=_LONGEST_LIFE_DAYS, help="Days until it expires.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it: the key alone on stdout, this once."""
    body: dict[str, Any] = {
        "name": name,
        "scopes": [part.strip() for part in scopes.split(",")],
        "limit": _limit(limit),
    }
    if expires_days is not None:
        body["expires_at"] = (datetime.now(UTC) + timedelta(days=expires_days)).isoformat()
    with api(*context.obj) as ask:
        issued = ask("POST", "/keys", json=body)
    if as_json:
        print_json(issued)
        return
    errors.print("Keep this key: it cannot be shown again.", style="dim")
    sys.stdout.write(f"{issued['key']}\n")


@app.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys of the tenant, newest first."""
    with api(*context.obj) as ask:
        keys = _all(ask)
    if as_json:
        print_json(keys)
        return
    print_table(
        ("id", "name", "scopes", "limit", "made", "state"),
        [
            (
                key["key_id"],
                key["name"],
                ",".join(key["scopes"]),
                f"{key['limit']['requests']}/{key['limit']['window_s']}",
                key["created_at"][:10],
                _state(key),
            )
            for key in keys
        ],
    )


@app.command()
def revoke(
    context: typer.Context,
    key_id: Annotated[str, typer.Argument(help="Id of the key, as the list shows it.")],
    yes: Yes = False,
) -> None:
    """End a key, for good."""
    confirm(f"Revoke the key {key_id}?", yes=yes)
    with api(*context.obj) as ask:
        revoked = ask("DELETE", f"/keys/{quote(key_id, safe='')}")
    console.print(f"{revoked['key_id']} opens nothing any more.", markup=False)


def _limit(text: str) -> dict[str, int]:
    given = _LIMIT.fullmatch(text)
    if given is None:
        raise typer.BadParameter("--limit: requests and seconds, for example 600/60")
    return {"requests": int(given[1]), "window_s": int(given[2])}


def _all(ask: Api) -> list[dict[str, Any]]:
    keys: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = ask("GET", "/keys", params={"limit": 100} | ({"cursor": cursor} if cursor else {}))
        keys += page["keys"]
        cursor = page["next_cursor"]
        if cursor is None:
            return keys


def _state(key: dict[str, Any]) -> str:
    if key["revoked_at"]:
        return f"revoked {key['revoked_at'][:10]}"
    if not key["expires_at"]:
        return "valid"
    expires_at = datetime.fromisoformat(key["expires_at"])
    verb = "valid until" if expires_at > datetime.now(UTC) else "expired"
    return f"{verb} {expires_at:%Y-%m-%d}"
