"""The `classifier` judge: an image classifier of one's own, on this machine, in ONNX."""

import asyncio
import io
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import onnxruntime as ort  # type: ignore[import-untyped]
from PIL import Image

from services.safety.adapters.classifier_file import (
    MODEL_FILE,
    ClassifierError,
    Description,
    read_description,
)
from services.safety.domain.submission import Submission
from shared.content import JudgeReport

Tensor = npt.NDArray[np.float32]
Outputs = npt.NDArray[np.float64]

_FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True, slots=True)
class LocalClassifier:
    """Looks at images only. `threads` of them work at a time, on one core each."""

    session: ort.InferenceSession
    description: Description
    threads: ThreadPoolExecutor
    name: str = "classifier"

    @classmethod
    def of(cls, directory: Path, *, threads: int) -> Self:
        """Load and try the model. Blocks; raises ClassifierError for one that cannot be used."""
        description = read_description(directory)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # A pool of memory of its own would keep what the largest image took.
        options.enable_cpu_mem_arena = False
        try:
            session = ort.InferenceSession(
                str(directory / MODEL_FILE), options, providers=["CPUExecutionProvider"]
            )
        except Exception as exc:  # the library's errors have no common root
            raise ClassifierError(f"{directory / MODEL_FILE}: {_one_line(exc)}") from exc
        pool = ThreadPoolExecutor(threads, thread_name_prefix="classifier")
        judge = cls(session, description, pool)
        judge.warm_up()
        return judge

    def close(self) -> None:
        """Let go of the threads."""
        self.threads.shutdown(cancel_futures=True)

    def concerns(self, submission: Submission) -> bool:
        return submission.image is not None

    async def judge(self, submission: Submission) -> JudgeReport | None:
        if submission.image is None:
            return None
        loop = asyncio.get_running_loop()
        scores = await loop.run_in_executor(self.threads, self.scores, submission.image)
        if scores is None:
            return None
        model = f"{self.description.name} {self.description.version}"
        return JudgeReport(judge=self.name, model=model, image_scores=scores)

    def warm_up(self) -> None:
        """Look at a grey image. Raises ClassifierError unless that gives scores."""
        size = (self.description.width, self.description.height)
        try:
            scores = self._scores(Image.new("RGB", size, "grey"))
        except Exception as exc:  # as above
            raise ClassifierError(
                f"the model does not fit its description: {_one_line(exc)}"
            ) from exc
        if scores is None:
            raise ClassifierError("the model's outputs are no scores from 0 to 1: activation?")

    def scores(self, image: bytes) -> dict[str, float] | None:
        """The score of each category; None for an image that it cannot score."""
        try:
            with Image.open(io.BytesIO(image), formats=_FORMATS) as opened:
                return self._scores(opened.convert("RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return None

    def _scores(self, image: Image.Image) -> dict[str, float] | None:
        (given,) = self.session.get_inputs()
        outputs = self.session.run(None, {given.name: self._tensor(image)})
        activated = _activated(np.asarray(outputs[0]).reshape(-1), self.description.activation)
        scores = {
            # Parts of a whole may add up to a hair more than the whole.
            category: min(1.0, sum(float(activated[index]) for index in indices))
            for category, indices in self.description.categories.items()
        }
        are_scores = all(math.isfinite(each) and 0 <= each <= 1 for each in activated)
        return scores if are_scores else None

    def _tensor(self, image: Image.Image) -> Tensor:
        shown = self.description
        small = image.resize((shown.width, shown.height), Image.Resampling.BICUBIC, reducing_gap=3)
        pixels = np.asarray(small, dtype=np.float32) / 255
        mean, std = (np.asarray(each, dtype=np.float32) for each in (shown.mean, shown.std))
        pixels = (pixels - mean) / std
        if shown.layout == "nchw":
            pixels = pixels.transpose(2, 0, 1)
        return np.ascontiguousarray(pixels[None])


def _activated(raw: npt.NDArray[Any], activation: str) -> Outputs:
    outputs = raw.astype(np.float64)
    if activation == "sigmoid":
        # exp of a large negative number would overflow; of its absolute value it cannot.
        small: Outputs = np.exp(-np.abs(outputs))
        return np.asarray(np.where(outputs >= 0, 1 / (1 + small), small / (1 + small)))
    if activation == "softmax":
        grown = np.exp(outputs - outputs.max())
        return np.asarray(grown / grown.sum())
    return outputs


def _one_line(exc: Exception) -> str:
    return " ".join(str(exc).split())[:300] or type(exc).__name__
