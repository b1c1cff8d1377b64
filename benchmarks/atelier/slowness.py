"""How long the parts that vendors do are made to take, so that waiting looks as it does in earnest.

Read from `BENCH_CAPTION_SECONDS`, `BENCH_JUDGE_SECONDS` and `BENCH_UPLOAD_SECONDS`.
"""

from pydantic import Field
from pydantic_settings import BaseSettings


class Slowness(BaseSettings):
    """Seconds a piece; nothing unless they are set."""

    bench_caption_seconds: float = Field(default=0.0, ge=0)
    bench_judge_seconds: float = Field(default=0.0, ge=0)
    bench_upload_seconds: float = Field(default=0.0, ge=0)
