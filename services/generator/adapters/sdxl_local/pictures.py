"""What the engine gave, in the generator's words."""

from services.generator.domain.failures import ProviderFailure
from services.generator.ports import MadeImage
from services.generator.sdxl.wishes import NoPicture, Picture, QueueFull
from shared.content import MadeWith

_LONGEST = 120
_MOST_VERSIONS = 16


def made_of(picture: Picture, cost_usd_micros: int) -> MadeImage:
    """The image, and all that its bits depend on."""
    lora = picture.lora
    return MadeImage(
        data=picture.png,
        model=picture.base_model,
        seed=picture.seed,
        steps=picture.steps,
        cfg_scale=picture.cfg,
        lora_applied=lora is not None,
        lora_scale=lora.scale if lora is not None else 0.0,
        cost_usd_micros=cost_usd_micros,
        made_with=made_with(picture),
    )


def made_with(picture: Picture) -> MadeWith:
    """What is recorded of it with the piece; names of devices are cut at a bearable length."""
    lora = picture.lora
    versions = sorted(picture.versions.items())[:_MOST_VERSIONS]
    return MadeWith(
        sampler=picture.sampler.value,
        lora_sha256=lora.sha256 if lora is not None else None,
        lora_rank=lora.rank if lora is not None else None,
        lora_reduced_from=lora.reduced_from if lora is not None else None,
        largest_batch=picture.largest_batch,
        device=picture.device[:_LONGEST],
        dtype=picture.dtype[:_LONGEST],
        versions={name[:_LONGEST]: version[:_LONGEST] for name, version in versions},
    )


def failure_of(refusal: NoPicture | QueueFull) -> ProviderFailure:
    """Why there is none. A device of one's own bills nothing: what failed is known to have."""
    if isinstance(refusal, QueueFull):
        return ProviderFailure(
            "RATE_LIMITED", "its queue is full", retry_after_s=refusal.retry_after_s
        )
    return ProviderFailure(refusal.code.value, refusal.detail, retry_after_s=refusal.retry_after_s)
