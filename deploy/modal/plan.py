"""How the worker is deployed on Modal, from the environment of whoever deploys it."""

import os
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.settings import split_commas

CACHE = "/cache"
_NEXT_TO_FULL = 2
_CARRIED = ("SDXL_", "ATELIER_MODAL_")
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split_commas)]


class ModalPlan(BaseSettings):
    """Names, hardware and scaling. Read again in every container, where it has to be the same."""

    model_config = SettingsConfigDict(
        env_prefix="ATELIER_MODAL_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    app: str = Field(
        default="atelier-worker", pattern=r"^[\w.-]+$", description="name of the Modal app"
    )
    gpu: Names = Field(
        default=("L40S",), min_length=1, description="GPUs, in the order they are tried"
    )
    secret: str = Field(
        default="atelier-worker", description="Modal secret that holds WORKER_API_TOKEN"
    )
    volume: str = Field(
        default="atelier-worker", description="Modal volume for the model and for LoRAs"
    )
    min_containers: int = Field(default=0, ge=0, description="containers that are kept warm")
    max_containers: int = Field(default=4, ge=1, description="containers at most")
    scaledown_seconds: int = Field(
        default=120, ge=2, le=1200, description="how long an idle container stays"
    )
    snapshot: bool = Field(
        default=True, description="start from a snapshot of memory and GPU memory"
    )
    batch: int = Field(
        default=8, ge=1, le=64, validation_alias="SDXL_MAX_BATCH", description="as the engine's"
    )

    @property
    def orders_at_a_time(self) -> int:
        """What a container is given at most: a batch, and those that take the next places."""
        return _NEXT_TO_FULL * self.batch


def container_environment(deployer: Mapping[str, str]) -> dict[str, str]:
    """What containers are told: the engine's settings, and the same plan. Never a secret."""
    ours = {
        "SDXL_DEVICE": "cuda",
        "SDXL_LORA_CACHE_DIR": f"{CACHE}/loras",
        "HF_HOME": f"{CACHE}/hub",
        # Their workers would be in the way of a snapshot.
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    theirs = {name: value for name, value in deployer.items() if name.startswith(_CARRIED)}
    return ours | theirs


def plan() -> ModalPlan:
    """The plan of this environment. Raises pydantic's ValidationError, naming what is wrong."""
    return ModalPlan()


def carried() -> dict[str, str]:
    """What this environment hands on to containers."""
    return container_environment(os.environ)
