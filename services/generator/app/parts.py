"""What every provider is built from, and what its building gives."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry

from services.generator.adapters.price_file import PriceTable
from services.generator.handler.route import Limits
from services.generator.ports import LoraLinks, Provider


@dataclass(frozen=True, slots=True)
class Parts:
    """Links to weights, prices, a stack that closes what a provider opens, where its figures go."""

    stack: AsyncExitStack
    lora_links: LoraLinks
    prices: PriceTable
    metrics: CollectorRegistry = field(default_factory=CollectorRegistry)


@dataclass(frozen=True, slots=True)
class Built:
    """A provider that is ready to be called, and how hard it may be."""

    provider: Provider
    limits: Limits
