"""`atelier review`: what waits for a person's decision."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.api import DEFAULT_URL, Api, Key, Url, api
from cli.output import AsJson, Yes, confirm, console, fail, print_json, print_table, print_text
from cli.review_image import save_image
from cli.review_views import COLUMNS, SCORES, decisions, facts, row, scores

app = typer.Typer(no_args_is_help=True, help="Look at held pieces, and decide about them.")

PieceId = Annotated[str, typer.Argument(metavar="PIECE", help="Id of the piece.")]
_PAGE = 50


class TierChoice(StrEnum):
    """Tiers, as options take them."""

    CAPA1 = "capa1"
    CAPA2 = "capa2"
    CAPA3 = "capa3"


class RatingChoice(StrEnum):
    """What an approved piece may be rated."""

    SAFE = "safe"
    SUGGESTIVE = "suggestive"
    BORDERLINE = "borderline"


@app.callback()
def _remember_gateway(context: typer.Context, url: Url = DEFAULT_URL, api_key: Key = None) -> None:
    context.obj = (url, api_key)


@app.command("list")
def list_reviews(
    context: typer.Context,
    avatar: Annotated[str | None, typer.Option(help="Only pieces of this avatar.")] = None,
    task: Annotated[str | None, typer.Option(help="Only pieces of this task.")] = None,
    tier: Annotated[TierChoice | None, typer.Option(help="Only this tier.")] = None,
    blocked: Annotated[
        bool | None,
        typer.Option(
            "--blocked/--not-blocked", help="Only those under an absolute block, or the others."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List held pieces, those that wait longest first."""
    wanted = {"avatar_id": avatar, "task_id": task, "tier": tier, "blocked": blocked}
    filters = {name: value for name, value in wanted.items() if value is not None}
    with api(*context.obj) as ask:
        found, are_more = _first(ask, filters, limit)
    if as_json:
        print_json(found)
        return
    if not found:
        console.print("Nothing waits for review.")
        return
    print_table(COLUMNS, [row(review) for review in found])
    if are_more:
        console.print("… and more, with --limit.")


@app.command()
def show(
    context: typer.Context,
    piece: PieceId,
    save: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write the image to this new file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a decision needs: words, verdict, scores, decisions, a link to the image.

    Who has the link can open it for five minutes; it asks for no key.
    """
    with api(*context.obj) as ask:
        review = ask("GET", f"/reviews/{quote(piece, safe='')}")
    if as_json:
        print_json(review)
    else:
        _print_review(review)
    if save is not None:
        if review["image_url"] is None:
            fail("the piece is not held any more", next_step="There is no image to save.")
        save_image(review["image_url"], save)


@app.command()
def approve(
    context: typer.Context,
    piece: PieceId,
    rating: Annotated[RatingChoice, typer.Option(help="What the piece is rated.")],
    reason: Annotated[str | None, typer.Option(help="For the record.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let a held piece go on; where two people have to agree, once both have approved."""
    body = {"rating": rating, "reason": reason}
    with api(*context.obj) as ask:
        review = ask("POST", f"/reviews/{quote(piece, safe='')}/approve", json=body)
    if as_json:
        print_json(review)
        return
    is_held = review["state"] == "pending_review"
    console.print("Approved; somebody else has to agree." if is_held else "Approved; it goes on.")


@app.command()
def reject(
    context: typer.Context,
    piece: PieceId,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End a held piece; its files are deleted."""
    confirm(f"Reject the piece {piece}, for good?", yes=yes)
    with api(*context.obj) as ask:
        review = ask("POST", f"/reviews/{quote(piece, safe='')}/reject", json={"reason": reason})
    if as_json:
        print_json(review)
        return
    console.print("Rejected; its files are deleted.")


def _first(ask: Api, filters: dict[str, Any], limit: int) -> tuple[list[dict[str, Any]], bool]:
    """So many reviews, and whether there are more."""
    found: list[dict[str, Any]] = []
    cursor = None
    while len(found) < limit:
        size = min(_PAGE, limit - len(found))
        paging = {"limit": size} | ({"cursor": cursor} if cursor else {})
        page = ask("GET", "/reviews", params=filters | paging)
        found += page["reviews"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found, False
    return found, True


def _print_review(review: dict[str, Any]) -> None:
    print_table(("", ""), facts(review))
    console.print()
    print_table(SCORES, scores(review["verdict"]))
    if review["decisions"]:
        console.print()
        print_table(("decision", "by", "at", "rating", "reason"), decisions(review))
    if review["image_url"]:
        console.print()
        print_text(review["image_url"])
