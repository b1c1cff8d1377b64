"""Settings of moderation."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from services.safety.domain.skips import Skips
from shared.settings import ServiceSettings, split_commas
from shared.signing import SigningSeed

JudgeName = Literal["openai", "classifier", "preview", "none"]
NOBODY: JudgeName = "none"

_NEEDED_BY = {"openai_api_key": "openai", "safety_classifier_dir": "classifier"}


class SafetySettings(ServiceSettings):
    """Who judges, and what may go unjudged."""

    safety_judges: Annotated[tuple[JudgeName, ...], NoDecode, BeforeValidator(split_commas)] = (
        Field(
            min_length=1,
            description=(
                "Who judges images, separated by commas: `openai`, `classifier`, and `preview`, "
                "which passes drawn placeholders only; or `none`: then every piece waits for "
                "review. There is no default, so that nothing goes unjudged by accident."
            ),
            examples=["openai,classifier"],
        )
    )
    safety_signing_key: SigningSeed = Field(
        description="Secret half of the Ed25519 key that signs verdicts: 32 random bytes, in hex.",
        examples=["output of `openssl rand -hex 32`"],
    )
    safety_check_enabled: bool = Field(
        default=True,
        description=(
            "false: pieces of templates in capa1 go unjudged, marked as `skipped`. All others are "
            "judged as always, and so are all words."
        ),
        examples=["true"],
    )
    skip_safety_check_categories: Annotated[
        tuple[str, ...], NoDecode, BeforeValidator(split_commas)
    ] = Field(
        default=(),
        description="Categories of templates whose pieces go unjudged in capa1.",
        examples=["food,outdoors"],
    )
    safety_check_sample_rate: float = Field(
        default=1.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Share of the pieces of templates in capa1 that is judged.",
        examples=[1.0],
    )
    safety_judge_timeout_seconds: float = Field(
        # Asked twice at most, within the minute that a step may take.
        default=10,
        gt=0,
        le=25,
        description="Longest wait for the answer of a judge.",
        examples=[10],
    )
    safety_judge_wait_seconds: float = Field(
        default=60,
        ge=0,
        le=3600,
        description="How long a piece waits for a judge who is away, before people review it.",
        examples=[60],
    )
    safety_concurrency: int = Field(
        default=16, ge=1, le=256, description="Pieces judged at a time.", examples=[16]
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Key for the judge `openai`.",
        examples=["sk-…"],
    )
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        pattern=r"^https?://",
        description="Where the judge `openai` is reached.",
        examples=["https://api.openai.com/v1"],
    )
    openai_moderation_model: str = Field(
        default="omni-moderation-latest",
        min_length=1,
        description="The model that the judge `openai` asks.",
        examples=["omni-moderation-latest"],
    )
    safety_classifier_dir: Path | None = Field(
        default=None,
        validate_default=True,
        description="Directory of the judge `classifier`: `model.onnx` and `classifier.json`.",
        examples=["/models/nsfw"],
    )
    safety_classifier_threads: int = Field(
        default=2, ge=1, le=64, description="Images classified at a time.", examples=[2]
    )

    @field_validator("safety_judges")
    @classmethod
    def _makes_sense(cls, names: tuple[JudgeName, ...]) -> tuple[JudgeName, ...]:
        if len(set(names)) != len(names):
            raise ValueError("names a judge twice")
        if NOBODY in names and len(names) > 1:
            raise ValueError("none stands alone")
        return tuple(name for name in names if name != NOBODY)

    @field_validator(
        "safety_check_enabled", "skip_safety_check_categories", "safety_check_sample_rate"
    )
    @classmethod
    def _somebody_judges_the_rest(cls, value: object, info: ValidationInfo) -> object:
        nothing_skipped = cls.model_fields[info.field_name or ""].default
        if value != nothing_skipped and not info.data.get("safety_judges", NOBODY):
            raise ValueError(
                "skips pieces, and with SAFETY_JUDGES=none nobody judges what may not be skipped"
            )
        return value

    @field_validator("openai_api_key", "safety_classifier_dir")
    @classmethod
    def _is_there_for_its_judge(
        cls, value: SecretStr | Path | None, info: ValidationInfo
    ) -> SecretStr | Path | None:
        judge = _NEEDED_BY[info.field_name or ""]
        if judge in info.data.get("safety_judges", ()) and not _is_given(value):
            raise ValueError(f"SAFETY_JUDGES has {judge}, which needs it")
        return value

    @property
    def skips(self) -> Skips:
        """What may go unjudged."""
        return Skips(
            enabled=self.safety_check_enabled,
            categories=_folded(self.skip_safety_check_categories),
            sample_rate=self.safety_check_sample_rate,
        )


def _is_given(value: object) -> bool:
    return bool(value.get_secret_value().strip() if isinstance(value, SecretStr) else value)


def _folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.casefold() for name in names)
