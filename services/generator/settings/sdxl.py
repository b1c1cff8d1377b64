"""Settings of our own SDXL + LoRA engine, wherever it runs: in the generator or in the worker."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode

from shared.settings import split_commas

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_commas)]
_SIZE = re.compile(r"([1-9]\d{2,3})x([1-9]\d{2,3})")
_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_GIB = 2**30


class SdxlSettings(BaseSettings):
    """Which model, on what, for how many images at a time, with whose weights."""

    sdxl_model: str = Field(
        default="stabilityai/stable-diffusion-xl-base-1.0",
        min_length=1,
        description="The base model: an id of the Hugging Face hub, a directory in diffusers' "
        "layout, or one safetensors file.",
        examples=["/models/sdxl.safetensors"],
    )
    sdxl_revision: str | None = Field(
        default=None,
        pattern=r"^[\w./-]+$",
        description="Which version of a hub's model: a commit, a tag or a branch.",
        examples=["462165984030d82259a11f4367a4eed129e94a7b"],
    )
    sdxl_variant: str | None = Field(
        default=None,
        pattern=r"^\w+$",
        description="Which of a model's sets of files, where it has several.",
        examples=["fp16"],
    )
    sdxl_config: str | None = Field(
        default=None,
        min_length=1,
        description="Configuration and tokenizers of a model that is one file: a hub id or a "
        "directory; unset, the hub is asked.",
        examples=["/models/sdxl-config"],
    )
    sdxl_device: Literal["auto", "cuda", "cpu"] = Field(
        default="auto",
        description="What it computes on; `auto` takes a GPU where there is one.",
        examples=["cuda"],
    )
    sdxl_dtype: Literal["auto", "float32", "float16", "bfloat16"] = Field(
        default="auto",
        description="Numbers it computes with; `auto` is float16 on a GPU, float32 elsewhere.",
        examples=["bfloat16"],
    )
    sdxl_slots: int = Field(
        default=12,
        ge=1,
        le=64,
        description="Avatars' weights that lie ready on the device at a time; at least "
        "`SDXL_MAX_BATCH` and two more, or different avatars wait for each other.",
        examples=[16],
    )
    sdxl_max_rank: Literal[4, 8, 16, 32, 64, 128] = Field(
        default=64,
        description="Largest rank of a LoRA; every slot has room for it.",
        examples=[128],
    )
    sdxl_larger_rank: Literal["reduce", "refuse"] = Field(
        default="reduce",
        description="What happens to a LoRA of a larger rank: brought down to it by its best "
        "approximation, or refused.",
        examples=["refuse"],
    )
    sdxl_max_batch: int = Field(
        default=8, ge=1, le=64, description="Images that take a step together.", examples=[4]
    )
    sdxl_queue_length: int = Field(
        default=64,
        ge=1,
        le=1000,
        description="Orders that wait; one more is told to come back.",
        examples=[16],
    )
    sdxl_compile: bool = Field(
        default=False,
        description="Compile the model: a start that takes minutes longer, then faster steps.",
        examples=["true"],
    )
    sdxl_compile_sizes: Names = Field(
        default=("1024x1024",),
        description="Sizes it is compiled for, separated by commas.",
        examples=["1024x1024,832x1216"],
    )
    sdxl_lora_cache_dir: Path | None = Field(
        default=None,
        description="Where downloaded LoRAs are kept; unset, a directory that goes with the "
        "process.",
        examples=["/var/cache/atelier/loras"],
    )
    sdxl_lora_cache_bytes: int = Field(
        default=20 * _GIB, ge=0, description="Room for them there.", examples=[50 * _GIB]
    )
    sdxl_lora_memory_bytes: int = Field(
        default=4 * _GIB, ge=0, description="Room for LoRAs in memory.", examples=[8 * _GIB]
    )
    sdxl_lora_max_bytes: int = Field(
        default=_GIB // 2,
        ge=2**20,
        le=4 * _GIB,
        description="Largest file of a LoRA.",
        examples=[_GIB],
    )
    sdxl_lora_hosts: Names = Field(
        default=("*.r2.cloudflarestorage.com", "*.amazonaws.com"),
        description="Hosts that LoRAs may come from, by HTTPS; `*.` stands for all below.",
        examples=["loras.example.com,*.r2.cloudflarestorage.com"],
    )
    sdxl_lora_allow_http_loopback: bool = Field(
        default=False,
        description="Also fetch LoRAs by plain HTTP from this very machine, as an embedded store "
        "serves them.",
        examples=["true"],
    )
    sdxl_torch_threads: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Threads that compute on a CPU; unset, as many as there are cores.",
        examples=[8],
    )

    @property
    def sdxl_orders_in_hand(self) -> int:
        """Most orders that run or wait."""
        return self.sdxl_max_batch + self.sdxl_queue_length

    @property
    def sdxl_sizes_to_compile(self) -> tuple[tuple[int, int], ...]:
        """Widths and heights; none where nothing is compiled."""
        if not self.sdxl_compile:
            return ()
        return tuple(_size(each) for each in self.sdxl_compile_sizes)

    @field_validator("sdxl_compile_sizes")
    @classmethod
    def _sizes_that_are_made(cls, sizes: tuple[str, ...]) -> tuple[str, ...]:
        for size in sizes:
            width, height = _size(size)
            if any(each % 8 or not 512 <= each <= 1536 for each in (width, height)):
                raise ValueError("sides have 512 to 1536 pixels, multiples of 8")
        return sizes

    @field_validator("sdxl_lora_hosts")
    @classmethod
    def _hosts_alone(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ValueError("names of hosts in small letters, without scheme, port or path")
        return hosts

    @model_validator(mode="after")
    def _halves_need_a_gpu(self) -> Self:
        if self.sdxl_device == "cpu" and self.sdxl_dtype == "float16":
            raise ValueError("SDXL_DTYPE: float16 needs a GPU; take float32 with SDXL_DEVICE=cpu")
        return self


def _size(text: str) -> tuple[int, int]:
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError("sizes look like 1024x1024")
    return int(match[1]), int(match[2])
