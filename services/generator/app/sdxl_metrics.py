"""Our own engine in Prometheus' words."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.generator.sdxl.figures import EngineFigures
from services.generator.sdxl.loras.figures import Figures as LoraFigures
from services.generator.sdxl.wishes import EngineHealth, EngineState


@dataclass(frozen=True, slots=True)
class Done:
    """What an engine and its library of LoRAs have done, read when somebody asks."""

    engine: Callable[[], EngineFigures]
    loras: Callable[[], LoraFigures]


class EngineMetrics(Collector):
    """Read at every scrape: nothing is kept twice. `done` is there once the model is."""

    def __init__(self) -> None:
        self.health: Callable[[], EngineHealth] | None = None
        self.done: Done | None = None

    def collect(self) -> Iterator[Metric]:
        if self.health is not None:
            yield from _now(self.health())
        if self.done is not None:
            yield from _of_engine(self.done.engine())
            yield from _of_loras(self.done.loras())


def _now(health: EngineHealth) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "atelier_sdxl_state", "1 for the state that the engine is in.", labels=["state"]
    )
    for each in EngineState:
        state.add_metric([each.value], float(health.state is each))
    yield state
    for name, meaning, value in (
        ("slots", "LoRAs that can lie ready on the device.", health.slots),
        ("slots_taken", "LoRAs that do.", health.slots_taken),
        ("running", "Images that are being made.", health.running),
        ("waiting", "Images that wait.", health.waiting),
    ):
        yield GaugeMetricFamily(f"atelier_sdxl_{name}", meaning, value=value)


def _of_engine(done: EngineFigures) -> Iterator[Metric]:
    for name, meaning, value in (
        ("images", "Images that were made.", done.pictures),
        ("device_busy_seconds", "Time in which the device had something to do.", done.busy_s),
        ("steps", "Passes through the model.", done.steps),
        ("step_images", "Images in them: over the passes, how many shared one.", done.samples),
        ("parked", "Images that made room for callers who wait.", done.parked),
        ("lora_copies", "LoRAs that were copied into a slot.", done.lora_copies),
        ("slot_evictions", "LoRAs that made room for another in their slot.", done.slot_evictions),
    ):
        yield CounterMetricFamily(f"atelier_sdxl_{name}", meaning, value=value)
    yield _by_label(
        "slot_requests",
        "Images by whether their LoRA lay ready.",
        "result",
        {
            "hit": done.slot_hits,
            "miss": done.slot_misses,
        },
    )
    yield _by_label(
        "prompts",
        "Prompts by whether they were encoded before.",
        "result",
        {
            "hit": done.prompts_remembered,
            "miss": done.prompts_encoded,
        },
    )
    yield _by_label("failures", "Images that were not made, by code.", "code", dict(done.failures))


def _of_loras(done: LoraFigures) -> Iterator[Metric]:
    yield _by_label(
        "lora_requests",
        "LoRAs by where they were found.",
        "found",
        {
            "memory": done.memory_hits,
            "disk": done.disk_hits,
            "store": done.fetched,
            "nowhere": done.failed_fetches,
            "refused": done.refused,
        },
    )
    yield CounterMetricFamily(
        "atelier_sdxl_lora_fetched_bytes",
        "Bytes of LoRAs from the store.",
        value=done.fetched_bytes,
    )
    yield GaugeMetricFamily(
        "atelier_sdxl_lora_memory_bytes",
        "Memory that checked LoRAs take.",
        value=done.memory_bytes,
    )


def _by_label(name: str, meaning: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"atelier_sdxl_{name}", meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
