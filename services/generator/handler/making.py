"""A call under way, and what is recorded of it."""

from dataclasses import dataclass

from services.generator.ports import MadeImage, Substitute
from shared.content import Generation
from shared.events import ContentRequested, ImageGenerated


@dataclass(frozen=True, slots=True)
class Making:
    """For which event, at which provider, under which attempt; `level` as in Generation."""

    event: ContentRequested
    provider: str
    attempt_id: str
    level: int

    @property
    def whose(self) -> dict[str, object]:
        """What every settlement of this call says."""
        return {
            "tenant": self.event.tenant,
            "task_id": self.event.task_id,
            "deadline_at": self.event.deadline_at,
            "piece_id": self.event.piece_id,
            "run": self.event.run,
            "attempt_id": self.attempt_id,
            "provider": self.provider,
        }


def generation_of(making: Making, made: MadeImage, duration_ms: int) -> Generation:
    """How the image came to be."""
    brief = making.event.brief
    is_degraded = not made.lora_applied and not made.preview
    return Generation(
        provider=making.provider,
        model=made.model,
        preview=made.preview,
        degraded=is_degraded,
        degraded_reason="no_lora" if is_degraded else None,
        level=making.level,
        attempt_id=making.attempt_id,
        seed=made.seed,
        steps=made.steps,
        cfg_scale=made.cfg_scale,
        width=brief.width,
        height=brief.height,
        lora_applied=made.lora_applied,
        lora_scale=made.lora_scale,
        generation_time_ms=duration_ms,
        cost_usd_micros=made.cost_usd_micros,
        made_with=made.made_with,
    )


def stand_in(event: ContentRequested, found: Substitute) -> ImageGenerated:
    """The fact of a piece that gets an image without a call: nobody is asked, nothing is charged.

    What was bought for the piece itself is what was ordered, only later.
    """
    if found.piece_id is None:
        return ImageGenerated.following(event, image=found.image, generation=found.generation)
    generation = found.generation.model_copy(
        update={
            "degraded": True,
            "degraded_reason": "cached",
            "level": 3,
            "source": "cached",
            "cached_from": found.piece_id,
            "attempt_id": "",
            "generation_time_ms": 0,
            "cost_usd_micros": 0,
        }
    )
    return ImageGenerated.following(event, image=found.image, generation=generation)
