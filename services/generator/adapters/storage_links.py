"""Links to LoRA weights, signed by storage at the moment of the call."""

from shared.calls import SIGN_LINKS, SignLinks
from shared.outcomes import GiveUp
from shared.problems import Problem
from shared.rpc import Caller

LORA_LINK_S = 900


class StorageLoraLinks:
    """Asks storage; a link is a secret and is neither kept nor logged."""

    def __init__(self, call: Caller) -> None:
        self._call = call

    async def sign(self, key: str) -> str:
        request = SignLinks(keys=(key,), expires_s=LORA_LINK_S)
        try:
            return (await self._call(SIGN_LINKS, request)).urls[0]
        except Problem as problem:
            raise GiveUp("lora_unavailable", problem.details.detail) from problem
