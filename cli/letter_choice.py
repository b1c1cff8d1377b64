"""Which dead letters a command means: by id, or all that its filters leave."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from shared.letterbox import KeptLetter, Letterbox

_AGE = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> datetime:
    """A moment in UTC: an age such as `90m`, `6h` or `7d`, or a date and time of ISO 8601."""
    if age := _AGE.fullmatch(text):
        return datetime.now(UTC) - timedelta(**{_UNITS[age[2]]: int(age[1])})
    try:
        given = datetime.fromisoformat(text)
    except ValueError as exc:
        raise typer.BadParameter("an age such as 90m, 6h or 7d, or a date and time") from exc
    return given if given.tzinfo else given.replace(tzinfo=UTC)


Ids = Annotated[list[str] | None, typer.Argument(help="Ids, or how they begin.")]
Every = Annotated[bool, typer.Option("--all", help="All that the filters leave.")]
Step = Annotated[str | None, typer.Option(help="Only those of this step.")]
Reason = Annotated[str | None, typer.Option(help="Only those with this reason.")]
Since = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="WHEN", help="Only those kept since: 6h, 7d, a date."),
]
Before = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="WHEN", help="Only those kept before: 6h, 7d, a date."),
]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a letter must be like; None leaves it open."""

    step: str | None
    reason: str | None
    since: datetime | None
    before: datetime | None

    def leave(self, kept: KeptLetter) -> bool:
        """Whether a letter is among those that are meant."""
        return (
            self.step in {None, kept.letter.step}
            and self.reason in {None, kept.letter.reason}
            and (self.since is None or kept.kept_at >= self.since)
            and (self.before is None or kept.kept_at < self.before)
        )

    @property
    def are_given(self) -> bool:
        """Whether there is any."""
        return self != Filters(None, None, None, None)


async def matching(box: Letterbox, filters: Filters) -> list[KeptLetter]:
    """The letters that the filters leave, oldest first."""
    return [kept async for kept in box.letters() if filters.leave(kept)]


async def chosen(
    box: Letterbox, idents: list[str], filters: Filters, *, every: bool
) -> list[KeptLetter]:
    """The letters with these ids, each once, or every one that the filters leave."""
    if every:
        return await matching(box, filters)
    found = [await box.find(ident) for ident in idents]
    return list({kept.id: kept for kept in found}.values())


def check_choice(idents: list[str], filters: Filters, *, every: bool) -> None:
    """Refuse what could be meant in two ways."""
    if bool(idents) is every:
        raise typer.BadParameter("name ids, or --all")
    if idents and filters.are_given:
        raise typer.BadParameter("filters go with --all, not with ids")
