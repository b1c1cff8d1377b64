"""The door to an engine, from the settings: the same in a process of ours and on Modal."""

from prometheus_client import CollectorRegistry

from services.generator.sdxl.wishes import ImageEngine
from services.generator.settings.worker import WorkerSettings
from services.generator.worker.figures import Figures
from services.generator.worker.making import Making
from services.generator.worker.results import Results
from services.generator.worker.web import Door


def door_to(engine: ImageEngine, settings: WorkerSettings, registry: CollectorRegistry) -> Door:
    """What requests come through to this engine, counted in `registry`."""
    making = Making(engine, Figures(registry), most=settings.sdxl_orders_in_hand)
    results = Results(most=settings.worker_results, keep_s=settings.worker_result_seconds)
    return Door(making, results, settings.worker_max_body_bytes)
