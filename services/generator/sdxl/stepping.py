"""Steps of a batch, whatever goes wrong with them: who cannot go on is told, the others go on."""

from collections.abc import Callable, Sequence

import structlog
import torch

from services.generator.sdxl.ceilings import Ceilings
from services.generator.sdxl.denoising import Denoiser
from services.generator.sdxl.drawing import Drawing
from services.generator.sdxl.figures import Tally
from services.generator.sdxl.wishes import FailureCode, NoPicture

log = structlog.get_logger()

OUT_OF_MEMORY = NoPicture(FailureCode.CUDA_OOM, "the device has no memory left for this image")
BROKEN = NoPicture(FailureCode.GENERATION_FAILED, "a step of the model failed")

Failed = dict[Drawing, NoPicture]


class Stepper:
    """Takes steps in as many passes as memory wants."""

    def __init__(
        self,
        denoiser: Denoiser,
        ceilings: Ceilings,
        tally: Tally,
        drop_cache: Callable[[], None],
    ) -> None:
        self._denoiser = denoiser
        self._ceilings = ceilings
        self._tally = tally
        self._drop_cache = drop_cache

    def step(self, drawings: Sequence[Drawing]) -> Failed:
        """One step of each. Those that are returned took none, and will take none."""
        failed: Failed = {}
        most = self._ceilings.of(drawings[0].canvas)
        for start in range(0, len(drawings), most):
            failed |= self._pass(drawings[start : start + most])
        return failed

    def _pass(self, drawings: Sequence[Drawing]) -> Failed:
        failure = self._tried(drawings)
        if failure is OUT_OF_MEMORY:
            return self._smaller(drawings)
        return dict.fromkeys(drawings, failure) if failure else {}

    def _smaller(self, drawings: Sequence[Drawing]) -> Failed:
        # Once, in halves; a single one is tried again with the cache dropped.
        self._ceilings.ran_out(drawings[0].canvas, len(drawings))
        half = -(-len(drawings) // 2)
        failed: Failed = {}
        for part in (drawings[:half], drawings[half:]):
            failure = self._tried(part) if part else None
            if failure is OUT_OF_MEMORY:
                self._ceilings.ran_out(drawings[0].canvas, len(part))
            if failure:
                failed |= dict.fromkeys(part, failure)
        return failed

    def _tried(self, drawings: Sequence[Drawing]) -> NoPicture | None:
        failure = self._outcome(drawings)
        if failure is OUT_OF_MEMORY:
            # Only here: while the exception is handled, its frames still hold the tensors.
            self._drop_cache()
        elif failure is None:
            self._ceilings.went_well(drawings[0].canvas)
            self._tally.batches[len(drawings)] += 1
        return failure

    def _outcome(self, drawings: Sequence[Drawing]) -> NoPicture | None:
        try:
            self._denoiser.step(drawings)
        except torch.OutOfMemoryError:
            log.warning("sdxl.out_of_memory", samples=len(drawings))
            return OUT_OF_MEMORY
        except Exception:
            log.exception("sdxl.step_failed", samples=len(drawings))
            return BROKEN
        return None
