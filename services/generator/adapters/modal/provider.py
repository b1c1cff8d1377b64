"""The worker of `modal_sdxl_lora` behind HTTP (docs/worker-contract.md)."""

from typing import Literal
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from services.generator.adapters.modal.http import Pace, WorkerHttp
from services.generator.adapters.modal.polled import Polled
from services.generator.adapters.modal.waited import Waited
from services.generator.adapters.modal.worker import ModalWorker, WayToWorker
from services.generator.domain.prices import Price
from services.generator.ports import LoraLinks

# Modal holds a request for 150 s before it redirects; a poll is answered at once.
_LOOK_S: dict[Literal["sync", "async"], float] = {"sync": 170.0, "async": 30.0}


class ModalProvider(ModalWorker):
    """A worker at an address, whose answer is waited for or polled."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        url: str,
        token: SecretStr | None,
        lora_links: LoraLinks,
        timeout_s: float,
        price: Price,
        mode: Literal["sync", "async"] = "sync",
        pace: Pace | None = None,
    ) -> None:
        http = WorkerHttp(client, url, token, pace or Pace(), _LOOK_S[mode])
        way: WayToWorker = Waited(http) if mode == "sync" else Polled(http)
        super().__init__(way, lora_links=lora_links, timeout_s=timeout_s, price=price)


def endpoint(base_url: str, inference_path: str) -> str:
    """A URL with a path is used as it is; a bare origin gets `inference_path`."""
    parts = urlsplit(base_url)
    if parts.path not in {"", "/"}:
        return base_url
    return f"{parts.scheme}://{parts.netloc}{inference_path}"
