"""`./dev chaos`: kill, pause and cut a whole Atelier while it works; exit code 1 if it shows."""

import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.audit import judge
from tests.chaos.plan import Plan, full, short
from tests.chaos.run import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

SEEDS = 1_000_000
SHORT_PIECES = 60
FULL_PIECES = 2000


@app.command()
def main(
    pieces: Annotated[
        int | None, typer.Option(min=1, help="Pieces to order; default 2000, 60 with --short.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Do again what this seed did.")] = None,
    minutes: Annotated[float, typer.Option(min=0.5, help="Minutes of faults.")] = 7.0,
    small: Annotated[bool, typer.Option("--short", help="Half a minute in all.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="Directory for data and evidence; a temporary one unless given."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep data and evidence.")] = False,
) -> None:
    """Run it, and print what came of it."""
    chosen = secrets.randbelow(SEEDS) if seed is None else seed
    plan = (
        short(chosen, pieces=pieces or SHORT_PIECES)
        if small
        else full(chosen, pieces=pieces or FULL_PIECES, minutes=minutes)
    )
    root = Path(tempfile.mkdtemp(prefix="atelier-chaos-")) if data is None else data.resolve()
    if (root / "evidence").exists():
        raise typer.BadParameter(f"{root} holds the evidence of another run", param_hint="--data")
    progress = Console(stderr=True)
    clean = _carry_out(plan, root, progress, as_json=as_json)
    if clean and data is None and not keep:
        shutil.rmtree(root)
    else:
        progress.print(f"data and evidence: {root}", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if clean else 1)


def _carry_out(plan: Plan, root: Path, progress: Console, *, as_json: bool) -> bool:
    progress.print(f"seed {plan.seed}", highlight=False)
    outcome = asyncio.run(
        run(plan, data=root / "data", evidence=root / "evidence", console=progress, judge=judge)
    )
    (root / "outcome.json").write_text(outcome.as_json() + "\n", encoding="utf-8")
    if as_json:
        sys.stdout.write(outcome.as_json() + "\n")
    else:
        outcome.show(Console())
    return not outcome.problems


if __name__ == "__main__":
    app(prog_name="./dev chaos")
