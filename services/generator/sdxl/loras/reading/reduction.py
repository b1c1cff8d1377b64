"""The nearest change of a lower rank."""

import torch

from services.generator.sdxl.loras.refusals import unusable
from services.generator.sdxl.weights import LowRank


def reduced(change: LowRank, rank: int) -> LowRank:
    """The best approximation of `up @ down` with `rank` (Eckart and Young), in float32.

    The product itself is never formed: the singular values are those of two small triangles.
    """
    left, upper = torch.linalg.qr(change.up.float())
    right, lower = torch.linalg.qr(change.down.float().T)
    try:
        u, s, vh = torch.linalg.svd(upper @ lower.T)
    except RuntimeError:
        raise unusable("A change could not be reduced to a lower rank.") from None
    root = s[:rank].sqrt()
    return LowRank(
        down=(root[:, None] * (vh[:rank] @ right.T)).contiguous(),
        up=((left @ u[:, :rank]) * root).contiguous(),
    )
