"""What a GPU container on Modal does: the worker, without a process of its own around it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from services.generator.app.sdxl import open_engine
from services.generator.app.sdxl_loading import CannotLoad, LoadingEngine
from services.generator.sdxl.wishes import Wish
from services.generator.settings.sdxl import SdxlSettings
from services.generator.settings.worker import WorkerSettings
from services.generator.worker.answers import answer_of
from services.generator.worker.opening import door_to
from services.generator.worker.orders import order_of
from services.generator.worker.refusals import Refusal
from services.generator.worker.web import Door, application
from shared.settings import fail_misconfigured, load_settings

WARM_UP = Wish("a lake in the mountains", width=1024, height=1024, steps=4, limit_s=900)
"""As large as most orders: what is prepared for it is prepared for them."""

Opening = Callable[[SdxlSettings], AbstractAsyncContextManager[LoadingEngine]]


class Container:
    """Opened once; serves the order's form over HTTP and as a function."""

    def __init__(self, stack: AsyncExitStack, door: Door, token: SecretStr) -> None:
        self._stack = stack
        self._door = door
        self._token = token

    @classmethod
    async def opened(cls, opening: Opening = open_engine) -> "Container":
        """With the model on its device, and warm. Exits, naming the key, where that cannot be."""
        settings = load_settings(WorkerSettings)
        if settings.worker_api_token is None:
            raise fail_misconfigured("WORKER_API_TOKEN", "needed: the address is open to all")
        async with AsyncExitStack() as stack:
            engine = await stack.enter_async_context(opening(settings))
            try:
                await engine.loaded()
            except CannotLoad as exc:
                raise fail_misconfigured(exc.key, exc.detail) from None
            await engine.generate(WARM_UP)
            door = door_to(engine, settings, CollectorRegistry())
            return cls(stack.pop_all(), door, settings.worker_api_token)

    def web(self) -> FastAPI:
        """Order and health. Who polls is sent elsewhere: the next look meets another container."""
        return application(self._door, self._token, takes_submissions=False)

    async def generate(self, told: Mapping[str, Any]) -> dict[str, Any]:
        """The function form of the contract: the answer, or the refusal."""
        try:
            made = await self._door.making.begin(order_of(told).wish, answer_of)
        except Refusal as refusal:
            return refusal.final.body
        if made.refusal is not None:
            return made.refusal.final.body
        return made.answer or {}

    async def close(self) -> None:
        """End what runs, and let go of the device."""
        self._door.making.stop()
        await self._stack.aclose()
