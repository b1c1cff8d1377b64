"""Our SDXL engine beside diffusers' own pipeline, when every request is about another avatar."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks._figures import Aim, Report, Table, percentile
from benchmarks._progress import Progress
from benchmarks.sdxl.scale import FULL, TINY, Scale, peak_of

if TYPE_CHECKING:
    from benchmarks.measures.images import Change, Pace
    from benchmarks.sdxl.running import Runs

OURS = "Atelier"


@dataclass(frozen=True, slots=True)
class Wanted:
    """`full`: SDXL's own architecture, which wants a GPU."""

    full: bool = False


class NeedsGpu(Exception):
    """The full size was asked for where there is no GPU."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was measured of somebody."""

    change: "Change"
    pace: "Pace"


async def measure(wanted: Wanted) -> Report:
    """One maker after the other, each with a model of its own; then both loads."""
    # What these tell of themselves while they load is no news.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    # torch and diffusers take seconds to load: no other benchmark shall wait for them.
    from benchmarks.sdxl.running import device_here, opened_runs  # noqa: PLC0415

    scale, device = FULL if wanted.full else TINY, device_here()
    if wanted.full and device.type != "cuda":
        raise NeedsGpu("--full wants a GPU, and torch finds none")
    progress = Progress()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="atelier-sdxl-")))
        progress.begin(f"the {scale.name} model's weights and {scale.avatars} avatars")
        runs = stack.enter_context(opened_runs(scale, device, directory))
        seen = {name: await _seen(runs, name, progress) for name in runs.names}
        loads = _loads(seen)
        late = await _latencies(runs, seen, loads, progress)
    tables = [_paces(seen, scale), _changes(seen, scale, runs.device_name), _arrivals(late, loads)]
    aims = _aims(seen, scale, runs.device_name) if wanted.full else []
    return Report("Images of many avatars", tables, aims, _notes(scale, runs))


async def _seen(runs: "Runs", name: str, progress: Progress) -> Seen:
    async with runs.opened(name) as bench:
        progress.begin(f"{name}: what another avatar's weights cost")
        change = await bench.change()
        progress.begin(f"{name}: images a second")
        return Seen(change, await bench.pace())


def _loads(seen: Mapping[str, Seen]) -> dict[str, float]:
    """Images a second: half of what the best peer makes, and two thirds of what we make."""
    peers = max(found.pace.best for name, found in seen.items() if name != OURS)
    return {"calm": peers / 2, "busy": seen[OURS].pace.best * 2 / 3}


async def _latencies(
    runs: "Runs", seen: Mapping[str, Seen], loads: Mapping[str, float], progress: Progress
) -> dict[str, list[list[float]]]:
    """Of us and of the fastest peer, at both loads."""
    peers = [name for name in seen if name != OURS]
    fastest = max(peers, key=lambda name: seen[name].pace.best)
    found = {}
    for name in (OURS, fastest):
        progress.begin(f"{name}: arrivals by chance")
        async with runs.opened(name) as bench:
            await bench.warm_up()
            found[name] = [await bench.latencies_s(rate) for rate in loads.values()]
    return found


def _paces(seen: Mapping[str, Seen], scale: Scale) -> Table:
    some = next(iter(seen.values())).pace
    columns = [f"{size} of one" for size in some.of_one]
    columns += [f"{size} of {size}" for size in some.of_many]
    rows = tuple(
        (name, (*found.pace.of_one.values(), *found.pace.of_many.values()))
        for name, found in seen.items()
    )
    title = f"Images a second, {scale.px}², {scale.steps} steps"
    return Table(title, tuple(columns), rows)


def _changes(seen: Mapping[str, Seen], scale: Scale, device: str) -> Table:
    return Table(
        "An avatar for each image",
        ("new, ms", "known, ms", "device idle %", "of its peak %"),
        tuple(
            (
                name,
                (
                    found.change.new_ms,
                    found.change.known_ms,
                    _percent(None if found.pace.busy is None else 1 - found.pace.busy),
                    _percent(share_of_peak(found.pace, scale, device)),
                ),
            )
            for name, found in seen.items()
        ),
    )


def share_of_peak(pace: "Pace", scale: Scale, device: str) -> float | None:
    """What is computed for images, of what the device could compute at the most (0 to 1)."""
    peak = peak_of(device)
    return None if peak is None or scale.flop is None else pace.best * scale.flop / peak


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _arrivals(late: Mapping[str, list[list[float]]], loads: Mapping[str, float]) -> Table:
    columns = [f"{load} {part}" for load in loads for part in ("p50 s", "p99 s")]
    rows = tuple(
        (name, tuple(percentile(each, share) for each in found for share in (0.5, 0.99)))
        for name, found in late.items()
    )
    told = ", ".join(f"{load} {rate:.2f}" for load, rate in loads.items())
    return Table(f"Arrivals by chance, a second: {told}", tuple(columns), rows)


def _aims(seen: Mapping[str, Seen], scale: Scale, device: str) -> list[Aim]:
    ours = seen[OURS]
    peers = max(found.pace.best for name, found in seen.items() if name != OURS)
    idle = _percent(None if ours.pace.busy is None else 1 - ours.pace.busy)
    share = _percent(share_of_peak(ours.pace, scale, device))
    return [
        Aim("images, against diffusers' best way", ours.pace.best / peers, 1.5, "x", at_least=True),
        Aim("a known avatar's weights", ours.change.known_ms, 20.0, "ms"),
        Aim("device idle under load", idle, 5.0, "%"),
        Aim("of the device's peak", share, 30.0, "%", at_least=True),
    ]


def _notes(scale: Scale, runs: "Runs") -> list[str]:
    where = f"{runs.device_name}, {runs.dtype_name}, torch {runs.torch_version}"
    avatars = f"{scale.avatars} avatars of rank {scale.rank} on the UNet's attention, by turns"
    return [
        f"{where}; the {scale.name} model has random weights.",
        f"{avatars}: more than our {scale.slots} slots, so none is there when its turn comes.",
        '"4 of one": a request for four images of an avatar; "4 of 4": four avatars at a time.',
        (
            "We fetch weights by HTTP from this machine when they are new, check them and keep "
            "them; diffusers reads them from a file each time."
        ),
    ]
