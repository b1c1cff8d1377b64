"""The engine as one provider among others."""

from functools import partial
from itertools import count

from services.generator.adapters.sdxl_local.pictures import failure_of, made_of
from services.generator.adapters.sdxl_local.wishes import wish_for
from services.generator.domain.failures import ProviderFailure
from services.generator.domain.prices import Price
from services.generator.ports import LoraLinks, MadeImage, NoteCallId, PreparedCall
from services.generator.sdxl.wishes import ImageEngine, NoPicture, QueueFull
from shared.content import Brief, Lane
from shared.outcomes import TryLater

# The engine's own limit comes first: it knows that nothing is left of a wish, we could only guess.
_BEYOND_S = 10.0
_LOOK_AGAIN_S = 5.0


class SdxlLocal:
    """One wish for each prepared call; leaving a call takes its wish back.

    `incarnation` names this process and no other: a call of any other is over when somebody asks
    for it here, and has made nothing.
    """

    name = "sdxl_local"
    keeps_likeness = True

    def __init__(
        self,
        engine: ImageEngine,
        *,
        lora_links: LoraLinks,
        timeout_s: float,
        price: Price,
        incarnation: str,
    ) -> None:
        self._engine = engine
        self._lora_links = lora_links
        self._timeout_s = timeout_s
        self.price = price
        self._incarnation = incarnation
        self._counter = count(1)
        self._under_way: set[str] = set()

    @property
    def model(self) -> str:
        return self._engine.health().model

    @property
    def call_limit_s(self) -> float:
        return self._timeout_s + _BEYOND_S

    async def prepare(self, brief: Brief, *, fresh_link: bool = False) -> PreparedCall:
        return await self.prepare_in(Lane.BULK, brief, fresh_link=fresh_link)

    async def prepare_in(
        self, lane: Lane, brief: Brief, *, fresh_link: bool = False
    ) -> PreparedCall:
        # Weights that are here already are not fetched, but only the link tells which ones.
        link = await self._lora_links.sign(brief.lora.key, fresh=fresh_link)
        return partial(self._generate, brief, lane, link)

    async def resume(self, brief: Brief, call_id: str) -> MadeImage:
        del brief
        if call_id in self._under_way:
            raise TryLater("it is being made here", after=_LOOK_AGAIN_S)
        raise ProviderFailure("CANCELLED", "it ended with its process")

    async def _generate(
        self, brief: Brief, lane: Lane, lora_url: str, note: NoteCallId
    ) -> MadeImage:
        call_id = f"{self._incarnation}-{next(self._counter)}"
        self._under_way.add(call_id)
        try:
            await note(call_id)
            return await self._made(brief, lane, lora_url)
        finally:
            self._under_way.discard(call_id)

    async def _made(self, brief: Brief, lane: Lane, lora_url: str) -> MadeImage:
        wish = wish_for(brief, lora_url, lane, limit_s=self._timeout_s)
        try:
            picture = await self._engine.generate(wish)
        except (NoPicture, QueueFull) as refusal:
            raise failure_of(refusal) from refusal
        return made_of(picture, self.price.of_image(brief.width, brief.height))
