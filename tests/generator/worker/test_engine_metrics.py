"""What the engine does is told to Prometheus as it is when somebody asks."""

from prometheus_client import CollectorRegistry

from services.generator.app.sdxl_metrics import Done, EngineMetrics
from services.generator.sdxl.figures import EngineFigures
from services.generator.sdxl.loras.figures import Figures
from services.generator.sdxl.wishes import EngineState
from tests.generator.worker.engines import CannedEngine

PICTURES = EngineFigures(
    wall_s=9,
    busy_s=6,
    steps=28,
    samples=56,
    batches={2: 28},
    pictures=2,
    failures={"TIMEOUT": 1},
    slot_hits=1,
    slot_misses=3,
)
LORAS = Figures(asked=4, memory_hits=1, disk_hits=1, fetched=2, fetched_bytes=340)


def test_its_state_is_told_while_there_is_no_model_yet() -> None:
    metrics, registry = EngineMetrics(), CollectorRegistry()
    metrics.health = CannedEngine(state=EngineState.LOADING).health
    registry.register(metrics)
    told = registry.get_sample_value
    assert told("atelier_sdxl_state", {"state": "loading"}) == 1
    assert told("atelier_sdxl_state", {"state": "ready"}) == 0
    assert told("atelier_sdxl_slots_taken") == 1
    assert told("atelier_sdxl_images_total") is None


def test_what_it_has_done_is_told_once_there_is_one() -> None:
    metrics, registry = EngineMetrics(), CollectorRegistry()
    metrics.health = CannedEngine().health
    registry.register(metrics)
    metrics.done = Done(lambda: PICTURES, lambda: LORAS)
    told = registry.get_sample_value
    assert told("atelier_sdxl_images_total") == 2
    assert told("atelier_sdxl_step_images_total") == 2 * (told("atelier_sdxl_steps_total") or 0)
    assert told("atelier_sdxl_device_busy_seconds_total") == 6
    assert told("atelier_sdxl_failures_total", {"code": "TIMEOUT"}) == 1
    assert told("atelier_sdxl_slot_requests_total", {"result": "miss"}) == 3
    assert told("atelier_sdxl_lora_requests_total", {"found": "store"}) == 2
    assert told("atelier_sdxl_lora_fetched_bytes_total") == 340
