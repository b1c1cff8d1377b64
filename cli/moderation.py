"""`atelier takedown`, `unfreeze`, `check` and `actions`: what moderators do besides reviews."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

import base64
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.api import DEFAULT_URL, Api, Key, Url, api
from cli.output import AsJson, Yes, confirm, console, fail, print_json, print_table, print_text
from cli.review_views import SCORES, scores
from cli.reviews import PieceId, TierChoice

Reason = Annotated[str, typer.Option(help="Why; it is kept.")]
# A judge may take half a minute, and the piece has to be lent before.
_CHECK_TIMEOUT_S = 60.0
_MAX_IMAGE_BYTES = 10 * 1024 * 1024
_PAGE = 100
_COLUMNS = ("at", "action", "avatar", "piece", "by", "reason")


class ActionChoice(StrEnum):
    """What was done, as options take it."""

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    TAKE_DOWN = "take_down"
    REVIEW_EXPIRE = "review_expire"


def takedown(
    piece: PieceId,
    reason: Reason,
    url: Url = DEFAULT_URL,
    api_key: Key = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove a finished piece from delivery, for good; its like is refused from now on."""
    confirm(f"Take down the piece {piece}, for good?", yes=yes)
    with api(url, api_key) as ask:
        path = f"/content/pieces/{quote(piece, safe='')}/takedown"
        taken = ask("POST", path, json={"reason": reason})
    if as_json:
        print_json(taken)
        return
    print_text(f"{taken['id']} is taken down.")


def unfreeze(
    avatar: Annotated[str, typer.Argument(metavar="AVATAR", help="Id of the avatar.")],
    reason: Reason,
    url: Url = DEFAULT_URL,
    api_key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Let an avatar be used again that an absolute block has frozen."""
    with api(url, api_key) as ask:
        path = f"/avatars/{quote(avatar, safe='')}/unfreeze"
        thawed = ask("POST", path, json={"reason": reason})
    if as_json:
        print_json(thawed)
        return
    print_text(f"{thawed['id']} may be used again.")


def check(
    text: Annotated[str | None, typer.Option(help="A text.")] = None,
    image: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A PNG, JPEG or WebP.")
    ] = None,
    piece: Annotated[str | None, typer.Option(help="Id of a finished piece.")] = None,
    tier: Annotated[TierChoice | None, typer.Option(help="As if it were for this tier.")] = None,
    avatar: Annotated[str | None, typer.Option(help="Id of the avatar it is about.")] = None,
    url: Url = DEFAULT_URL,
    api_key: Key = None,
    as_json: AsJson = False,
) -> None:
    """Say what moderation would decide about a text, an image, or both. Nothing is kept."""
    if image is not None and piece is not None:
        raise typer.BadParameter("--image and --piece exclude each other")
    if text is None and image is None and piece is None:
        raise typer.BadParameter("give --text, --image or --piece")
    wanted: dict[str, Any] = {"text": text, "piece_id": piece, "tier": tier, "avatar_id": avatar}
    body = {name: value for name, value in wanted.items() if value is not None}
    if image is not None:
        body["image_base64"] = _in_base64(image)
    with api(url, api_key) as ask:
        said = ask("POST", "/content/safety-check", json=body, timeout=_CHECK_TIMEOUT_S)
    if as_json:
        print_json(said)
        return
    _print_check(said)


def actions(
    avatar: Annotated[str | None, typer.Option(help="Only about this avatar.")] = None,
    piece: Annotated[str | None, typer.Option(help="Only because of this piece.")] = None,
    action: Annotated[ActionChoice | None, typer.Option(help="Only these.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 50,
    url: Url = DEFAULT_URL,
    api_key: Key = None,
    as_json: AsJson = False,
) -> None:
    """List what was done for the sake of safety, newest first: by whom, and why."""
    wanted = {"avatar_id": avatar, "piece_id": piece, "action": action}
    filters = {name: value for name, value in wanted.items() if value is not None}
    with api(url, api_key) as ask:
        found, are_more = _first(ask, filters, limit)
    if as_json:
        print_json(found)
        return
    if not found:
        console.print("Nothing was done.")
        return
    print_table(_COLUMNS, [_row(action) for action in found])
    if are_more:
        console.print("… and more, with --limit.")


def _first(ask: Api, filters: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], bool]:
    """So many actions, and whether there are more."""
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        paging = {"limit": min(_PAGE, limit - len(found))} | ({"cursor": cursor} if cursor else {})
        page = ask("GET", "/moderation/actions", params=filters | paging)
        found += page["actions"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found, False
    return found, True


def _row(action: dict[str, Any]) -> tuple[str, ...]:
    pieces = action["causes"] or [action["piece_id"] or ""]
    at = action["at"][:19].replace("T", " ")
    whom = (action["avatar_id"], ", ".join(pieces))
    return at, action["action"], *whom, action["by"], action["reason"]


def _in_base64(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_IMAGE_BYTES:
            fail(f"{path}: larger than {_MAX_IMAGE_BYTES} bytes", next_step="Send a smaller image.")
        return base64.b64encode(path.read_bytes()).decode()
    except OSError as exc:
        fail(f"{path}: {exc.strerror}")


def _print_check(said: dict[str, Any]) -> None:
    print_table(
        ("", ""),
        [
            ("decision", said["decision"]),
            ("rating", f"{said['rating']}, {said['explicitness_level']} of 10"),
            ("tier", said["tier"]),
            ("reason", said["reason"]),
            ("policy", said["policy_version"]),
            ("block", said["blocked"] or ""),
            *(("finding", f"{each['category']}: {each['reason']}") for each in said["findings"]),
        ],
    )
    if rows := scores(said):
        console.print()
        print_table(SCORES, rows)
