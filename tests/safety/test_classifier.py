"""The judge `classifier`: a model of one's own, described in a file and tried at the start."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.safety.adapters.classifier_file import ClassifierError
from services.safety.adapters.local_classifier import LocalClassifier
from services.safety.domain.moderation import MINORS
from services.safety.domain.submission import Submission
from shared.content import BlockCategory, BlockedOn, Decision, JudgeReport, Rating
from tests.safety.panels import Moderation, openai_says
from tests.safety.tiny_models import write_classifier

RED, GREEN, BLUE, BLACK = "#ff0000", "#00ff00", "#0000ff", "#000000"


def picture(colour: str, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, kind)
    return out.getvalue()


@pytest.fixture
def classifier(tmp_path: Path) -> Iterator[LocalClassifier]:
    judge = LocalClassifier.of(write_classifier(tmp_path), threads=2)
    yield judge
    judge.close()


async def report_of(judge: LocalClassifier, image: bytes) -> JudgeReport:
    report = await judge.judge(Submission(prompt="red", image=image))
    assert report is not None
    return report


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
async def test_each_output_scores_the_category_that_the_file_says(
    tmp_path: Path, layout: str, kind: str
) -> None:
    judge = LocalClassifier.of(write_classifier(tmp_path, layout=layout), threads=1)
    report = await report_of(judge, picture(RED, kind))
    assert (report.judge, report.model, report.text_scores) == ("classifier", "colours 1", {})
    assert report.image_scores["sexual"] == pytest.approx(1, abs=0.02)
    assert report.image_scores[MINORS] == pytest.approx(0, abs=0.02)
    judge.close()


async def test_mean_and_std_and_activation_are_applied(tmp_path: Path) -> None:
    written = write_classifier(
        tmp_path, mean=[0.5, 0.5, 0.5], std=[0.25, 0.25, 0.25], activation="sigmoid"
    )
    judge = LocalClassifier.of(written, threads=1)
    report = await report_of(judge, picture(RED))
    assert report.image_scores["sexual"] == pytest.approx(0.8808, abs=0.001)  # sigmoid of 2
    assert report.image_scores[MINORS] == pytest.approx(0.1192, abs=0.001)
    judge.close()


async def test_outputs_of_a_whole_are_added_up(tmp_path: Path) -> None:
    written = write_classifier(
        tmp_path, activation="softmax", categories={"sexual": [0, 1], MINORS: [2]}
    )
    judge = LocalClassifier.of(written, threads=1)
    scores = (await report_of(judge, picture(BLACK))).image_scores
    assert scores == pytest.approx({"sexual": 2 / 3, MINORS: 1 / 3}, abs=0.001)
    judge.close()


async def test_what_it_cannot_decode_it_cannot_judge(classifier: LocalClassifier) -> None:
    assert await classifier.judge(Submission(image=b"pixels")) is None
    assert await classifier.judge(Submission(prompt="no image")) is None
    assert not classifier.concerns(Submission(prompt="no image"))


def gradient(colour: str) -> bytes:
    """A picture of one colour, with a little to see."""
    noise = Image.effect_noise((64, 64), 60).convert("RGB")
    out = io.BytesIO()
    Image.blend(Image.new("RGB", (64, 64), colour), noise, 0.02).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("colour", "decision", "rating", "blocked"),
    [
        (BLACK, Decision.APPROVED, Rating.SAFE, None),
        ("#490000", Decision.APPROVED, Rating.SUGGESTIVE, None),
        (RED, Decision.REJECTED, Rating.EXPLICIT, None),
        ("#000023", Decision.REVIEW, Rating.PENDING_REVIEW, None),
        (BLUE, Decision.REJECTED, Rating.REJECTED, BlockCategory.MINORS),
    ],
)
async def test_a_piece_passes_waits_or_ends_by_what_openai_and_the_classifier_see(
    classifier: LocalClassifier,
    colour: str,
    decision: Decision,
    rating: Rating,
    blocked: BlockCategory | None,
) -> None:
    moderation = Moderation([openai_says(), classifier])
    verdict = await moderation.verdict(await moderation.hooked(gradient(colour)))
    assert (verdict.decision, verdict.rating, verdict.blocked) == (decision, rating, blocked)
    assert verdict.blocked_on is (BlockedOn.IMAGE if blocked else None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"activation": "tanh"}, "activation"),
        ({"width": 0}, "width"),
        ({"categories": {}}, "categories"),
        ({"categories": {"sexual": []}}, "categories.sexual"),
        ({"categories": {"sexual": [7]}}, "does not fit"),
        ({"categories": {"sexual": [0, 1]}}, "softmax"),
        ({"categories": {"sexual": [0, 0]}}, "twice"),
        ({"std": [0, 1, 1]}, "std"),
        ({"std": [0.001, 1, 1]}, "no scores"),
        ({"width": 64}, "does not fit"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_a_description_that_does_not_fit_its_model_stops_the_start(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(ClassifierError, match=told):
        LocalClassifier.of(write_classifier(tmp_path, **changes), threads=1)


def test_a_missing_or_broken_model_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ClassifierError, match=r"classifier\.json"):
        LocalClassifier.of(tmp_path, threads=1)
    write_classifier(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ClassifierError, match=r"model\.onnx"):
        LocalClassifier.of(tmp_path, threads=1)
    (tmp_path / "classifier.json").write_text(json.dumps([]))
    with pytest.raises(ClassifierError, match=r"classifier\.json"):
        LocalClassifier.of(tmp_path, threads=1)
