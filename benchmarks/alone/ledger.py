"""The ledger and its Postgres, with all other services played by this process."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from nats.aio.msg import Msg

from benchmarks._processes import output_of
from benchmarks.alone.part import SEED, Part
from benchmarks.alone.pieces import AVATAR_ID, TENANT, brief
from benchmarks.alone.place import Place
from benchmarks.alone.road import Road
from deploy.local.postgres import EmbeddedPostgres
from shared.calls import (
    ACCEPT_TASK,
    CREATE_AVATAR,
    STORAGE_HEALTH,
    AcceptTask,
    AvatarFields,
    ComponentHealth,
    CreateAvatar,
    Likeness,
    Nothing,
)
from shared.content import Lane, Platform
from shared.events import ContentPersisted, ContentRequested
from shared.outcomes import TryLater
from shared.signing import VerdictSigner

_WITHIN = timedelta(minutes=15)
_ATTESTED = datetime(2026, 1, 1, tzinfo=UTC)


class Ledger(Part):
    """From the acceptance of batches of fifty to `content.persisted`."""

    service = "ledger"
    ends = ContentPersisted
    pieces = 500
    together = 50

    async def open(self, place: Place, stack: AsyncExitStack) -> Mapping[str, str]:
        self._call = place.neighbours.call
        self._has_avatar = False
        signer = VerdictSigner(bytes.fromhex(SEED))
        self._road = await stack.enter_async_context(Road(place, signer))
        self._postgres = EmbeddedPostgres(place.directory / "postgres")
        await stack.enter_async_context(self._postgres)
        place.neighbours.answer(STORAGE_HEALTH, _well)
        await place.nc.subscribe(place.subjects(ContentRequested), cb=self._go)
        settings = {
            "DATABASE_URL": self._postgres.dsn(),
            "VERDICT_PUBLIC_KEYS": signer.public_key,
        }
        environment = place.environment(settings)
        await output_of("services.ledger", "migrate", environment=environment)
        return settings

    async def feed(self, first: int, count: int) -> None:
        if not self._has_avatar:
            await self._call(CREATE_AVATAR, _avatar())
            self._has_avatar = True
        order = _order(first, count)
        while True:
            try:
                await self._call(ACCEPT_TASK, order)
            except TryLater:
                # It looks for room before it takes the first order.
                await asyncio.sleep(0.2)
            else:
                return

    def besides(self) -> Mapping[str, int]:
        return {"its Postgres": self._postgres.pid}

    async def _go(self, message: Msg) -> None:
        self._road.begin(ContentRequested.model_validate_json(message.data))


async def _well(request: Nothing) -> ComponentHealth:
    del request
    return ComponentHealth(status="ok")


def _avatar() -> CreateAvatar:
    fields = AvatarFields(
        name="Ada",
        niche="books",
        base_prompt="portrait of a woman in her thirties",
        lora_weights_url="loras/ada/v1.safetensors",
        likeness=Likeness(kind="synthetic"),
        adult_attested_at=_ATTESTED,
    )
    return CreateAvatar(tenant=TENANT, avatar_id=AVATAR_ID, fields=fields)


def _order(first: int, count: int) -> AcceptTask:
    now = datetime.now(UTC)
    return AcceptTask(
        tenant=TENANT,
        task_id=str(uuid4()),
        lane=Lane.BULK,
        kind="batch",
        avatar_id=AVATAR_ID,
        platform=Platform.INSTAGRAM,
        config={"num_pieces": count},
        accepted_at=now,
        deadline_at=now + _WITHIN,
        briefs=tuple(brief(number) for number in range(first, first + count)),
    )
