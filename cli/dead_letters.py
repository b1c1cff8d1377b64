"""`atelier dlq`: messages that nobody could read."""

# ruff: noqa: FBT002 - a flag is a bool with a default, in typer's way of saying it

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from nats.errors import Error as NatsError

from cli.connection import BrokerAddress, Namespace, NatsSeed, NatsUrl, connected
from cli.output import AsJson, Yes, confirm, console, fail, print_json, print_table
from shared.blobs import BlobMissing, JetStreamBlobs
from shared.letterbox import KeptLetter, Letterbox, NoSuchLetter, NotReplayable
from shared.logs import mask
from shared.outcomes import TryLater
from shared.permissions.roles import DEAD_LETTER_BODIES
from shared.topology import Topology

app = typer.Typer(no_args_is_help=True, help="Look after messages that nobody could read.")

T = TypeVar("T")
Step = Annotated[str | None, typer.Option(help="Only those of this step.")]
Reason = Annotated[str | None, typer.Option(help="Only those with this reason.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Ids, or how they begin.")]
Every = Annotated[bool, typer.Option("--all", help="All that --step and --reason leave.")]
_SHOWN_BYTES = 4096


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
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List dead letters, newest first."""

    async def look(box: Letterbox) -> list[KeptLetter]:
        return await _chosen(box, [], every=True, step=step, reason=reason)

    found = _run(context, look)
    shown = list(reversed(found))[:limit]
    if as_json:
        print_json([_as_json(kept) for kept in shown])
        return
    if not shown:
        console.print("No dead letters.")
        return
    print_table(
        ("id", "kept", "reason", "detail", "bytes"),
        [
            (
                kept.id,
                f"{kept.kept_at:%Y-%m-%d %H:%M:%S}",
                kept.letter.reason,
                mask(kept.letter.detail)[:60],
                str(kept.letter.body.size),
            )
            for kept in shown
        ],
    )
    if len(found) > len(shown):
        console.print(f"… and {len(found) - len(shown)} older; raise --limit to see them.")


@app.command()
def show(
    context: typer.Context,
    ident: Annotated[str, typer.Argument(metavar="ID")],
    full: Annotated[bool, typer.Option("--full", help="The whole body.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show one dead letter with its headers and its body; secrets are masked."""

    async def look(box: Letterbox) -> tuple[KeptLetter, bytes]:
        kept = await box.find(ident)
        return kept, await box.body(kept)

    kept, body = _run(context, look)
    text = _readable(body if full else body[:_SHOWN_BYTES])
    if as_json:
        print_json(_as_json(kept) | {"headers": _headers(kept), "body": text})
        return
    rows = [(name, str(value)) for name, value in _as_json(kept).items() if value is not None]
    print_table(("", ""), rows + [(name, value) for name, value in _headers(kept).items()])
    console.print()
    console.print(text, markup=False, soft_wrap=True)
    if len(body) > _SHOWN_BYTES and not full:
        console.print(f"… {len(body) - _SHOWN_BYTES} bytes more with --full.")


@app.command()
def replay(
    context: typer.Context,
    idents: Ids = None,
    every: Every = False,
    step: Step = None,
    reason: Reason = None,
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

    async def send(box: Letterbox) -> int:
        letters = await _chosen(box, idents or [], every=every, step=step, reason=reason)
        _ask(f"Send {len(letters)} messages again?", letters, asked=every, yes=yes)
        for kept in letters:
            await box.replay(kept, body=data)
            if not keep:
                await box.drop(kept)
        return len(letters)

    console.print(f"{_run(context, send)} sent again.")


@app.command()
def drop(
    context: typer.Context,
    idents: Ids = None,
    every: Every = False,
    step: Step = None,
    reason: Reason = None,
    yes: Yes = False,
) -> None:
    """Forget dead letters, for good."""

    async def forget(box: Letterbox) -> int:
        letters = await _chosen(box, idents or [], every=every, step=step, reason=reason)
        _ask(f"Drop {len(letters)} dead letters for good?", letters, asked=True, yes=yes)
        for kept in letters:
            await box.drop(kept)
        return len(letters)

    console.print(f"{_run(context, forget)} dropped.")


def _run(context: typer.Context, act: Callable[[Letterbox], Awaitable[T]]) -> T:
    async def main() -> T:
        async with _letterbox(context.obj) as box:
            return await act(box)

    try:
        return asyncio.run(main())
    except (NoSuchLetter, NotReplayable) as exc:
        fail(str(exc))
    except BlobMissing:
        fail("the body is gone: bodies are kept for thirty days")
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


async def _chosen(
    box: Letterbox, idents: list[str], *, every: bool, step: str | None, reason: str | None
) -> list[KeptLetter]:
    if bool(idents) is every:
        raise typer.BadParameter("name ids, or --all")
    if idents:
        return [await box.find(ident) for ident in idents]
    return [
        kept
        async for kept in box.letters()
        if step in {None, kept.letter.step} and reason in {None, kept.letter.reason}
    ]


def _ask(question: str, letters: list[KeptLetter], *, asked: bool, yes: bool) -> None:
    if letters and asked:
        confirm(question, yes=yes)


def _as_json(kept: KeptLetter) -> dict[str, Any]:
    letter = kept.letter
    return {
        "id": kept.id,
        "kept_at": kept.kept_at.isoformat(),
        "step": letter.step,
        "subject": letter.subject,
        "sequence": letter.sequence,
        "reason": letter.reason,
        "detail": mask(letter.detail),
        "bytes": letter.body.size,
        "replay_of": kept.replay_of,
    }


def _headers(kept: KeptLetter) -> dict[str, str]:
    return {name: mask(value) for name, value in sorted(kept.letter.headers.items())}


def _readable(body: bytes) -> str:
    """The body for a person: indented if it is JSON, its strange bytes spelled out."""
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode(errors="backslashreplace")
    return mask("".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in text))
