"""What the router costs a call, and what it makes of providers that fail and stall."""

from benchmarks._figures import Aim, Report, Table, percentile
from benchmarks._progress import Progress
from benchmarks.measures.faulty_traffic import (
    FAILS,
    REPLICAS,
    STALLS,
    LiteLlmMissing,
    Seen,
    Terms,
    check,
    litellm,
    through_atelier,
    through_litellm,
)
from benchmarks.measures.router_overhead import Overhead, router_overhead
from benchmarks.provider.running import running_faulty

_SINGLE_CALLS = 200


async def measure(images: int) -> Report:
    """Everything, one after the other."""
    terms, progress, notes = Terms(images=images), Progress(), []
    progress.begin("calls one by one to a provider that answers at once")
    overhead = await router_overhead()
    ours = await through_atelier(terms, progress)
    theirs, added_ms = None, None
    try:
        check()
    except LiteLlmMissing as exc:
        notes.append(f"LiteLLM was not measured: {exc}")
    else:
        added_ms = await _litellm_adds_ms()
        theirs = await through_litellm(terms, progress)
    notes.append(
        f"The first provider fails {FAILS[0]:.0%} and stalls {STALLS[0]:.0%} of its calls, the "
        f"others fail {FAILS[1]:.0%}; {REPLICAS} replicas, {terms.call_limit_s:g} s a call, "
        f"{terms.retries + 1} calls a provider."
    )
    tables = [_calls(overhead, added_ms), _traffic(ours, theirs)]
    return Report("The generator's router", tables, _aims(overhead, ours, terms), notes)


async def _litellm_adds_ms() -> float:
    """Median of a call through LiteLLM's router, less that of the same client alone."""
    async with running_faulty(fails=0, stalls=0, takes_s=0, seed=0) as origin:
        order = {"origins": [origin], "images": _SINGLE_CALLS, "call_limit_s": 30, "retries": 0}
        order |= {"at_once": 1, "most_a_provider": 10}
        routed, bare = await litellm(order), await litellm(order | {"bare": True})
    return 1000 * (percentile(routed["took_s"], 0.5) - percentile(bare["took_s"], 0.5))


def _calls(overhead: Overhead, litellm_adds_ms: float | None) -> Table:
    return Table(
        "A call to a provider that answers at once, ms",
        ("p50", "p99", "added p50"),
        (
            (
                "through our router",
                (overhead.routed_p50_ms, overhead.routed_p99_ms, overhead.added_p50_ms),
            ),
            ("our client alone", (overhead.bare_p50_ms, overhead.bare_p99_ms, None)),
            ("through LiteLLM's, over its client", (None, None, litellm_adds_ms)),
        ),
    )


def _traffic(ours: Seen, theirs: Seen | None) -> Table:
    rows = [("Atelier", ours)] + ([("LiteLLM", theirs)] if theirs is not None else [])
    columns = ("made %", "p50 s", "p99 s", "calls/image", "most at once")
    return Table(
        f"{ours.asked:,} images from three providers",
        columns,
        tuple(
            (
                name,
                (
                    seen.success_rate * 100,
                    seen.p50_s,
                    seen.p99_s,
                    seen.calls / seen.asked,
                    max(seen.most_at_once),
                ),
            )
            for name, seen in rows
        ),
    )


def _aims(overhead: Overhead, ours: Seen, terms: Terms) -> list[Aim]:
    return [
        Aim("what the router adds to a call", overhead.added_p50_ms, 3.0, "ms"),
        Aim("images made", ours.success_rate * 100, 99.9, "%", at_least=True),
        Aim("p99 against the deadline", ours.p99_s, terms.deadline_s, "s"),
        Aim("calls at a provider at a time", max(ours.most_at_once), terms.most_a_provider, ""),
    ]
