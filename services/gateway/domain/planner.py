"""Plan a batch: how many pieces of which tier, which template each one uses, and its seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from itertools import chain, cycle, repeat

from services.gateway.domain.templates import Template
from shared.content import Platform, Tier

MAX_PIECES = 500
RATIO_TOLERANCE = Fraction(1, 1000)
_SEEDS = 2**32
# Odd, so that stepping by it visits every 32-bit number once: no two pieces share a seed.
_SEED_STRIDE = 0x9E3779B1


class PlanError(ValueError):
    """An order that cannot be planned: `code` is stable, `field` names what to change."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field


@dataclass(frozen=True, slots=True)
class TierRatios:
    """Shares of a batch by tier, each 0 to 1, together 1 ± 0.001; anything else is a PlanError."""

    capa1: float = 0.6
    capa2: float = 0.3
    capa3: float = 0.1

    def __post_init__(self) -> None:
        for tier in Tier:
            self._check_range(tier)
        total = sum((self.exact(tier) for tier in Tier), Fraction())
        if abs(total - 1) > RATIO_TOLERANCE:
            raise PlanError(
                "ratios_do_not_sum_to_one",
                "tier_distribution",
                f"tier ratios sum to {float(total):g}; make them sum to 1",
            )

    def exact(self, tier: Tier) -> Fraction:
        """The ratio as it was written: 0.1 is one tenth here, not the nearest binary float."""
        return Fraction(str(getattr(self, tier.value)))

    def _check_range(self, tier: Tier) -> None:
        value = getattr(self, tier.value)
        # Written so that NaN, which compares false with everything, is refused too.
        if not 0 <= value <= 1:
            raise PlanError(
                "ratio_out_of_range",
                f"tier_distribution.{tier}_ratio",
                f"{tier}_ratio is {value}; choose a value from 0 to 1",
            )


@dataclass(frozen=True, slots=True)
class PlannedPiece:
    """One piece of a batch: `text` is its template's prompt, or the client's own words."""

    index: int
    tier: Tier
    seed: int
    text: str
    template: Template | None

    @property
    def is_custom(self) -> bool:
        """Whether the client wrote the prompt; such a piece is always moderated."""
        return self.template is None


def plan_batch(
    *,
    batch_id: str,
    num_pieces: int,
    ratios: TierRatios,
    templates: Sequence[Template],
    niche: str | None,
    platform: Platform,
    custom_prompts: Sequence[str] = (),
    custom_tiers: Sequence[Tier] = (),
) -> tuple[PlannedPiece, ...]:
    """Plan every piece of a batch; the same order and batch id always give the same plan.

    Custom prompts take the first places, capa1 unless `custom_tiers` says otherwise; the rest
    follows the ratios, spread evenly so that a batch that is cut short still has its mix.
    Within a tier the avatar's niche comes first, and no template comes twice before all that
    suit the tier and platform were used. Raises PlanError for an order that cannot be met.
    """
    _check_order(num_pieces, custom_prompts, custom_tiers)
    tiers = chain(custom_tiers, repeat(Tier.CAPA1))
    custom = zip(tiers, custom_prompts, repeat(None), strict=False)
    counts = apportion(num_pieces - len(custom_prompts), ratios)
    queues = {
        tier: _queue(batch_id, tier, templates, niche, platform)
        for tier, count in counts.items()
        if count
    }
    chosen = ((tier, next(queues[tier])) for tier in _spread(counts))
    planned = ((tier, template.prompt, template) for tier, template in chosen)
    return tuple(
        PlannedPiece(index, tier, piece_seed(batch_id, index), text, template)
        for index, (tier, text, template) in enumerate(chain(custom, planned))
    )


def apportion(count: int, ratios: TierRatios) -> dict[Tier, int]:
    """Split `count` pieces by largest remainder: all are placed, each tier within one of its share.

    Equal remainders go to the more public tier. Holds up to MAX_PIECES; from a thousand pieces on
    the tolerance of the sum would be worth a piece of its own.
    """
    shares = {tier: ratios.exact(tier) * count for tier in Tier}
    counts = {tier: int(share) for tier, share in shares.items()}
    by_remainder = sorted(Tier, key=lambda t: (counts[t] - shares[t], t.rank))
    for tier in by_remainder[: count - sum(counts.values())]:
        counts[tier] += 1
    return counts


def piece_seed(batch_id: str, index: int) -> int:
    """The image seed of a piece, 0 to 2**32 - 1; different for every piece of a batch."""
    return (_digest("seed", batch_id) + index * _SEED_STRIDE) % _SEEDS


def _check_order(num_pieces: int, prompts: Sequence[str], tiers: Sequence[Tier]) -> None:
    if not 1 <= num_pieces <= MAX_PIECES:
        raise PlanError(
            "num_pieces_out_of_range",
            "num_pieces",
            f"num_pieces is {num_pieces}; choose 1 to {MAX_PIECES}",
        )
    if len(prompts) > num_pieces:
        raise PlanError(
            "too_many_custom_prompts",
            "custom_prompts",
            f"{len(prompts)} custom prompts do not fit {num_pieces} pieces; raise num_pieces",
        )
    if len(tiers) > len(prompts):
        raise PlanError(
            "too_many_custom_tiers",
            "custom_tiers",
            f"{len(tiers)} custom tiers for {len(prompts)} custom prompts; drop the extra tiers",
        )
    for place, prompt in enumerate(prompts):
        if not prompt.strip():
            raise PlanError(
                "blank_custom_prompt",
                f"custom_prompts.{place}",
                f"custom prompt {place} is blank; write one or leave it out",
            )


def _queue(
    batch_id: str, tier: Tier, templates: Sequence[Template], niche: str | None, platform: Platform
) -> Iterator[Template]:
    """Every suitable template, the niche's own first, over and over in one order."""
    suitable = [template for template in templates if template.suits(tier, platform)]
    if not suitable:
        raise PlanError(
            "no_template",
            f"tier_distribution.{tier}_ratio",
            f"no {tier} template suits {platform}; set {tier}_ratio to 0 or add a template",
        )

    def place(template: Template) -> tuple[bool, int, str]:
        return not template.speaks_to(niche), _digest(batch_id, template.id), template.id

    # Repeating one order, rather than drawing a new one, keeps repeats as far apart as can be.
    return cycle(sorted(suitable, key=place))


def _spread(counts: dict[Tier, int]) -> list[Tier]:
    """Each tier as often as counted, at even distances."""
    places = [
        (Fraction(2 * nth + 1, 2 * count), tier.rank, tier)
        for tier, count in counts.items()
        for nth in range(count)
    ]
    return [tier for _, _, tier in sorted(places)]


def _digest(*parts: str) -> int:
    """A number that depends on the parts alone: the same on every machine and Python."""
    return int.from_bytes(sha256("\x1f".join(parts).encode()).digest()[:8])
