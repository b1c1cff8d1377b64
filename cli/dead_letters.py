"""`atelier dlq`: messages that nobody could read."""

# ruff: noqa: FBT002, PLR0913, PLR0917 - every option is an argument, in typer's way of saying it

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from nats.errors import Error as NatsError

from cli.connection import BrokerAddress, Namespace, NatsSeed, NatsUrl, connected
from cli.letter_choice import (
    Before,
    Every,
    Filters,
    Ids,
    Reason,
    Since,
    Step,
    check_choice,
    chosen,
    matching,
)
from cli.letter_views import COLUMNS, fields, headers, readable, row
from cli.output import (
    AsJson,
    Yes,
    complain,
    confirm,
    console,
    fail,
    print_json,
    print_table,
    print_text,
)
from shared.blobs import BlobMissing, JetStreamBlobs
from shared.letterbox import KeptLetter, Letterbox, NoSuchLetter, NotALetter, NotReplayable
from shared.logs import mask
from shared.outcomes import TryLater
from shared.permissions.roles import DEAD_LETTER_BODIES
from shared.topology import Topology

app = typer.Typer(no_args_is_help=True, help="Look after messages that nobody could read.")

T = TypeVar("T")
_SHOWN_SIGNS = 4096
_BODY_IS_GONE = "its body is gone: it can be dropped, or sent again with --body"


@app.callback()
def _remember_broker(
    context: typer.Context,
    nats_url: NatsUrl,
    nats_nkey_seed: NatsSeed = None,
    namespace: Namespace = "",
) -> None:
    context.obj = BrokerAddress(nats_url, nats_nkey_seed, Topology(namespace))


@app.command("list")
def list_letters(
    context: typer.Context,
    step: Step = None,
    reason: Reason = None,
    since: Since = None,
    before: Before = None,
    limit: Annotated[int, typer.Option(min=1, help="So many on a page.")] = 50,
    page: Annotated[int, typer.Option(min=1, help="Which page; 1 has the newest.")] = 1,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first."""
    filters = Filters(step, reason, since, before)
    found = _run(context, lambda box: matching(box, filters))
    shown = found[::-1][(page - 1) * limit : page * limit]
    if as_json:
        print_json([fields(kept) for kept in shown])
        return
    if not shown:
        console.print("No dead letters." if page == 1 else "No more dead letters.")
        return
    print_table(COLUMNS, [row(kept) for kept in shown])
    older = len(found) - page * limit
    if older > 0:
        console.print(f"… and {older} older, from --page {page + 1} on.")


@app.command()
def show(
    context: typer.Context,
    ident: Annotated[str, typer.Argument(metavar="ID")],
    full: Annotated[bool, typer.Option("--full", help="The whole body.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter with its headers and its body; secrets are masked."""

    async def look(box: Letterbox) -> tuple[KeptLetter, str | None]:
        kept = await box.find(ident)
        try:
            return kept, readable(await box.body(kept))
        except BlobMissing:
            return kept, None

    kept, text = _run(context, look)
    # Cut after masking: half a secret would not be known as one.
    shown = text if text is None or full else text[:_SHOWN_SIGNS]
    if as_json:
        print_json(fields(kept) | {"headers": headers(kept), "body": shown})
        return
    known = [(name, str(value)) for name, value in fields(kept).items() if value is not None]
    print_table(("", ""), [*known, *headers(kept).items()])
    console.print()
    print_text("(the body is gone)" if shown is None else shown)
    if text is not None and shown != text:
        console.print(f"… {len(text) - _SHOWN_SIGNS} signs more with --full.")


@app.command()
def replay(
    context: typer.Context,
    idents: Ids = None,
    every: Every = False,
    step: Step = None,
    reason: Reason = None,
    since: Since = None,
    before: Before = None,
    body: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Send this instead.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the letters.")] = False,
    yes: Yes = False,
) -> None:
    """Send messages again, then drop their letters. What is still unreadable comes back here.

    A handover that is sent again counts as a new one, also if a newer one has come since.
    """
    if body is not None and (every or len(idents or []) != 1):
        raise typer.BadParameter("--body goes with exactly one id")
    data = body.read_bytes() if body is not None else None
    letters = _choice(context, idents or [], Filters(step, reason, since, before), every=every)
    if every and letters:
        confirm(f"Send {len(letters)} messages again?", yes=yes)

    async def send(box: Letterbox) -> int:
        return sum([await _sent_again(box, kept, data, keep=keep) for kept in letters])

    sent = _run(context, send)
    console.print(f"{sent} sent again.")
    if sent < len(letters):
        fail(f"{len(letters) - sent} could not be sent again; their letters stay")


@app.command()
def drop(
    context: typer.Context,
    idents: Ids = None,
    every: Every = False,
    step: Step = None,
    reason: Reason = None,
    since: Since = None,
    before: Before = None,
    yes: Yes = False,
) -> None:
    """Forget dead letters, for good."""
    letters = _choice(context, idents or [], Filters(step, reason, since, before), every=every)
    if letters:
        confirm(f"Drop {len(letters)} dead letters for good?", yes=yes)

    async def forget(box: Letterbox) -> None:
        for kept in letters:
            await box.drop(kept)

    _run(context, forget)
    console.print(f"{len(letters)} dropped.")


def _choice(
    context: typer.Context, idents: list[str], filters: Filters, *, every: bool
) -> list[KeptLetter]:
    """What a command means; the connection is closed before a person is asked."""
    check_choice(idents, filters, every=every)
    return _run(context, lambda box: chosen(box, idents, filters, every=every))


async def _sent_again(box: Letterbox, kept: KeptLetter, data: bytes | None, *, keep: bool) -> bool:
    """Whether the broker has the message; if not, why is told, and the others go on."""
    try:
        await box.replay(kept, body=data)
    except NotReplayable as exc:
        complain(f"{kept.id}: {exc}")
        return False
    except BlobMissing:
        complain(f"{kept.id}: {_BODY_IS_GONE}")
        return False
    if not keep:
        await box.drop(kept)
    return True


def _run(context: typer.Context, act: Callable[[Letterbox], Awaitable[T]]) -> T:
    async def main() -> T:
        async with _letterbox(context.obj) as box:
            return await act(box)

    try:
        return asyncio.run(main())
    except NoSuchLetter as exc:
        fail(str(exc))
    except NotALetter as exc:
        fail(str(exc), next_step="Another program writes there; remove it with the NATS tools.")
    except (NatsError, TryLater, OSError) as exc:
        fail(
            f"the broker: {type(exc).__name__}: {mask(str(exc))}",
            next_step="Is NATS_URL right, the server up, and NATS_NKEY_SEED the operator's?",
        )


@asynccontextmanager
async def _letterbox(address: BrokerAddress) -> AsyncIterator[Letterbox]:
    async with connected(address) as nc:
        js, names = nc.jetstream(), address.topology
        yield Letterbox(js, names, JetStreamBlobs(js, names.bucket(DEAD_LETTER_BODIES)))
