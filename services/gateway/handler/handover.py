"""Take over the LoRA weights that the training system hands over by event."""

from dataclasses import dataclass

import structlog

from services.gateway.ports import Ask
from shared.calls import CHANGE_AVATAR, AvatarFields, ChangeAvatar
from shared.foreign import ReceivedHandover
from shared.outcomes import BadInput, TryLater
from shared.problems import Problem

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class HandOver:
    """Records the weights with their avatar; an older handover that comes late changes nothing."""

    ask: Ask

    async def __call__(self, event: ReceivedHandover) -> None:
        try:
            await self.ask(CHANGE_AVATAR, _as_change(event))
        except Problem as problem:
            details = problem.details
            if details.status >= 500:
                raise TryLater(details.detail) from problem
            raise BadInput(details.code, details.detail) from problem
        log.info("avatar.handed_over", avatar_id=event.avatar_id, tenant=event.tenant)


def _as_change(event: ReceivedHandover) -> ChangeAvatar:
    return ChangeAvatar(
        tenant=event.tenant,
        avatar_id=event.avatar_id,
        fields=AvatarFields(
            lora_weights_url=event.lora_weights_url or event.r2_path,
            lora_model_id=event.lora_model_id,
            trigger_word=event.trigger_word,
            lora_scale=event.lora_scale,
        ),
        # By the broker's clock: what was stored later is newer, however late it is delivered.
        handed_over_at=event.received_at,
    )
