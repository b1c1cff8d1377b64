"""Links to LoRA weights, signed by storage at the moment of the call."""

from services.generator.domain import ProviderFailure
from shared.calls import SIGN_LINKS, SignLinks
from shared.outcomes import TryLater
from shared.problems import Problem
from shared.rpc import Caller

LORA_LINK_S = 900


class StorageLoraLinks:
    """Asks storage; a link is a secret and is neither kept nor logged."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def sign(self, key: str) -> str:
        try:
            request = SignLinks(keys=(key,), expires_s=LORA_LINK_S)
            return (await self._call(SIGN_LINKS, request)).urls[0]
        except (Problem, TryLater) as exc:
            raise ProviderFailure("LORA_DOWNLOAD_FAILED", "storage signs no link") from exc
