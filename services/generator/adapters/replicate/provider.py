"""The `replicate` provider: predictions that are submitted, noted, polled and fetched.

Who waits for one may end and another go on (`resume`). A prediction is called off when we stop
waiting for it, or when its id could not be noted; being cut off is no reason, for whoever is next
resumes it. Nobody there? Then the vendor ends it by the deadline it was submitted with.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import structlog
from pydantic import ValidationError

from services.generator.adapters.fitting import fit, fits
from services.generator.adapters.replicate.api import Prediction, ReplicateApi
from services.generator.adapters.replicate.failures import failure_of
from services.generator.adapters.replicate.models import Model
from services.generator.adapters.replicate.output import image_url
from services.generator.domain.failures import ProviderFailure
from services.generator.domain.prices import Price
from services.generator.ports import MadeImage, NoteCallId, PreparedCall
from shared.content import Brief

log = structlog.get_logger(__name__)

T = TypeVar("T")

# Of a call's time; the rest is for fetching the image, or for calling the prediction off.
_WAITING = 0.8
_FETCHING = 0.95
_CALLING_OFF_S = 3.0
_READ_AT_ONCE = 2
# What tells nothing about the prediction, or its image.
_PASSES = frozenset({"CONNECTION", "TIMEOUT", "SERVER_ERROR", "RATE_LIMITED"})


class ReplicateProvider:
    """Has the model make one image a call; retries are the handler's decision."""

    name = "replicate"
    keeps_likeness = False

    def __init__(
        self,
        api: ReplicateApi,
        *,
        model: Model,
        output_hosts: tuple[str, ...],
        timeout_s: float,
        poll_s: float,
        price: Price,
    ) -> None:
        self._api = api
        self._model = model
        self._output_hosts = output_hosts
        self._timeout_s = timeout_s
        self._poll_s = poll_s
        self.price = price
        self._reading = asyncio.Semaphore(_READ_AT_ONCE)

    @property
    def model(self) -> str:
        return self._model.name

    @property
    def call_limit_s(self) -> float:
        return self._timeout_s

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        del fresh_link  # it needs no weights
        return partial(self._generate, brief)

    async def _generate(self, brief: Brief, note: NoteCallId) -> MadeImage:
        size = brief.width, brief.height
        if not fits(self._model.sizes.nearest(*size), size):
            raise ProviderFailure("REFUSED", f"makes no image of the shape {size[0]}x{size[1]}")
        submitted = await self._api.submit(
            self._model.path, self._model.request(brief), deadline_s=self._timeout_s
        )
        try:
            await note(submitted.id)
        except BaseException:
            # Nobody else will ever hear of it.
            await self._call_off(submitted)
            raise
        return await self._follow(brief, submitted)

    async def resume(self, brief: Brief, call_id: str) -> MadeImage:
        try:
            submitted = Prediction(id=call_id, status="starting")
        except ValidationError:
            raise ProviderFailure("BAD_RESPONSE", "no such id", outcome="unknown") from None
        return await self._follow(brief, submitted)

    async def _follow(self, brief: Brief, submitted: Prediction) -> MadeImage:
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(begun + self._timeout_s * _WAITING):
                over = await self._wait(submitted)
        except TimeoutError as exc:
            await self._call_off(submitted)
            raise ProviderFailure("TIMEOUT", "still under way", outcome="unknown") from exc
        _raise_unless_succeeded(over)
        predict_s = over.metrics.predict_time if over.metrics else None
        log.info("replicate.succeeded", call_id=over.id, predict_s=predict_s)
        return await self._fetched(brief, over, begun + self._timeout_s * _FETCHING)

    async def _wait(self, prediction: Prediction) -> Prediction:
        look = partial(self._api.look, prediction.id)
        while not prediction.is_over:
            await asyncio.sleep(self._poll_s)
            try:
                prediction = await self._insist(look, passes=_PASSES | {"BAD_RESPONSE"})
            except ProviderFailure as failure:
                # It may go on, and be paid, without us.
                failure.outcome = "unknown"
                raise
        return prediction

    async def _fetched(self, brief: Brief, over: Prediction, until: float) -> MadeImage:
        """The image of a prediction that succeeded: whatever is wrong with it, it is paid."""
        cost = self.price.of_image(brief.width, brief.height)
        try:
            async with asyncio.timeout_at(until):
                data = await self._image(brief, over)
        except TimeoutError as exc:
            late = "its image did not arrive"
            raise ProviderFailure("TIMEOUT", late, cost_usd_micros=cost) from exc
        except ProviderFailure as failure:
            raise ProviderFailure("BAD_RESPONSE", failure.detail, cost_usd_micros=cost) from failure
        return self._made(brief, data, cost)

    async def _image(self, brief: Brief, over: Prediction) -> bytes:
        if over.output is None and over.data_removed:
            raise ProviderFailure("BAD_RESPONSE", "its image was removed by the vendor")
        url = image_url(over.output, hosts=self._output_hosts, base_url=self._api.base_url)
        data = await self._insist(partial(self._api.fetch, url), passes=_PASSES)
        async with self._reading:
            return await asyncio.to_thread(fit, data, brief.width, brief.height)

    async def _insist(self, ask: Callable[[], Awaitable[T]], *, passes: frozenset[str]) -> T:
        """Ask until there is an answer that counts; what passes is no failure of the call."""
        while True:
            try:
                return await ask()
            except ProviderFailure as failure:
                if failure.code not in passes:
                    raise
                log.info("replicate.asked_in_vain", code=failure.code, detail=failure.detail)
                await asyncio.sleep(max(self._poll_s, failure.retry_after_s or 0.0))

    async def _call_off(self, prediction: Prediction) -> None:
        with suppress(ProviderFailure, TimeoutError):
            async with asyncio.timeout(_CALLING_OFF_S):
                await self._api.call_off(prediction.id)

    def _made(self, brief: Brief, data: bytes, cost_usd_micros: int) -> MadeImage:
        return MadeImage(
            data=data,
            model=self.model,
            seed=brief.seed,
            steps=0,  # the model's own affair, as its guidance is
            cfg_scale=0.0,
            lora_applied=False,
            lora_scale=0.0,
            cost_usd_micros=cost_usd_micros,
        )


def _raise_unless_succeeded(over: Prediction) -> None:
    match over.status:
        case "failed":
            raise failure_of(over.error)
        case "canceled":
            # Charged for as far as it had come, which nobody tells.
            raise ProviderFailure("CANCELLED", "called off under way", outcome="unknown")
        case "aborted":
            raise ProviderFailure("TIMEOUT", "its deadline came before its turn")
