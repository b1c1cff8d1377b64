"""The demo: a batch of pieces of a demo avatar, watched from order to record."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from deploy.local.demo_client import DemoClient, open_client
from deploy.local.demo_progress import watch
from deploy.local.endpoint import Endpoint
from deploy.local.errors import CannotRun
from deploy.local.gallery import write_gallery
from deploy.local.serving import Outcome

OTHER_ENDS = ("pending_review", "rejected", "failed")
ENDED = ("completed", "failed", "cancelled")
POLL_INTERVAL_S = 0.2
PATIENCE_S = 900.0


@dataclass(frozen=True, slots=True)
class Demo:
    """Runs against a ready Atelier; `serve_on` keeps it up after the batch."""

    console: Console
    pieces: int
    serve_on: bool

    async def __call__(self, endpoint: Endpoint) -> Outcome:
        """Order the batch, follow it, show what came of it."""
        client = open_client(endpoint.url, endpoint.api_key)
        async with client.http:
            try:
                task = await self._run_batch(client)
            except CannotRun as exc:
                raise CannotRun(f"{exc}\nThe services' logs are in {endpoint.data}/logs") from exc
        pieces = (task.get("result") or {}).get("content_pieces", [])
        self._report(task, pieces)
        gallery = write_gallery(Path(endpoint.data), pieces) if pieces else None
        self._show_addresses(endpoint, gallery)
        complete = len(pieces) == self.pieces
        return Outcome(exit_code=0 if complete else 1, serve_on=self.serve_on)

    async def _run_batch(self, client: DemoClient) -> dict[str, Any]:
        avatar_id = await client.avatar()
        task_id = await client.batch(avatar_id, self.pieces)
        self.console.print(f"\na batch of {self.pieces} pieces of the demo avatar: {task_id}")
        return await self._follow(client, task_id)

    async def _follow(self, client: DemoClient, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_S
        with watch(self.console, self.pieces) as show:
            while time.monotonic() < deadline:
                task = await client.task(task_id)
                show(task["counts"])
                if task["state"] in ENDED:
                    return task
                await asyncio.sleep(POLL_INTERVAL_S)
        raise CannotRun(f"the batch did not end within {PATIENCE_S:g} s")

    def _report(self, task: Mapping[str, Any], pieces: Sequence[Mapping[str, Any]]) -> None:
        """Print the pieces and what became of the others."""
        heading = _row("piece", "tier", "rating", "provider", "cost", "URL")
        self.console.print(f"\n[bold]{heading}[/bold]")
        for piece in pieces:
            self.console.print(_piece_row(piece), markup=False, soft_wrap=True)
        counts = task["counts"]
        for end in OTHER_ENDS:
            if counts.get(end):
                self.console.print(f"[yellow]{end.replace('_', ' ')}: {counts[end]}[/yellow]")
        for reason in task.get("reasons", []):
            words = f"  {reason['piece_id'][:8]} {reason['state']}: {reason['reason']}"
            self.console.print(f"{words} {reason['detail']}", markup=False, soft_wrap=True)
        if any(piece["metadata"].get("provider") == "preview" for piece in pieces):
            self.console.print(
                "\nPREVIEW images are drawn, not generated: they show the way of a piece, not the "
                "quality of a model.\nSet AI_IMAGE_PROVIDER to plug in a real one.",
                soft_wrap=True,
            )

    def _show_addresses(self, endpoint: Endpoint, gallery: Path | None) -> None:
        self.console.print(f"\nlook at   {endpoint.url}", soft_wrap=True)
        if gallery is not None:
            # Quoted as an address, so that a terminal can open it from a path with spaces.
            self.console.print(f"pictures  {gallery.resolve().as_uri()}", soft_wrap=True)
        self.console.print(f"API key   {endpoint.api_key}", soft_wrap=True)
        if self.serve_on:
            words = f"It serves until Ctrl-C; what it made stays in {endpoint.data}"
            self.console.print(words, markup=False, soft_wrap=True)


def _row(*cells: str) -> str:
    """Align cells; the last one, an address, is never broken, so that it can be clicked."""
    widths = (10, 7, 12, 18, 9)
    return (
        "".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=False)) + cells[-1]
    )


def _piece_row(piece: Mapping[str, Any]) -> str:
    metadata = piece["metadata"]
    return _row(
        str(piece["id"])[:8],
        str(piece["access_tier"]),
        str(piece["safety_rating"]),
        str(metadata["provider"]),
        f"${float(metadata['cost']):.3f}",
        str(piece["url"]),
    )
