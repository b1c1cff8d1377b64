"""The demo's conversation with the gateway: an avatar, a batch, its progress."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from deploy.local.errors import CannotRun

NAME = "Ada (demo)"
REQUEST_TIMEOUT_S = 30.0
AVATAR = {
    "name": NAME,
    "niche": "fashion",
    "stage": "ready",
    "trigger_word": "TOK_ada",
    "base_prompt": "portrait photo of TOK_ada, a woman of thirty with short auburn hair",
    "negative_prompt": "blurry, low quality, deformed hands, watermark, text",
    "lora_weights_url": "loras/demo/ada.safetensors",
    "lora_scale": 0.9,
    "likeness": {"kind": "synthetic"},
    "meta_data": {
        "personality": {"tone": "warm and curious", "language": "en"},
        "generation_config": {"steps": 28, "cfg_scale": 5.5},
    },
}
TIERS = {"capa1_ratio": 0.6, "capa2_ratio": 0.3, "capa3_ratio": 0.1}


class RequestRefused(CannotRun):
    """The gateway did not do what the demo asked; the message holds its answer."""


@dataclass(frozen=True, slots=True)
class DemoClient:
    """Speaks the gateway's REST API."""

    http: httpx2.AsyncClient

    async def avatar(self) -> str:
        """Give the id of the demo avatar, making it if it is not there."""
        listed = await self._ask("GET", "/api/v1/avatars?limit=100")
        for avatar in listed.get("avatars", []):
            if avatar["name"] == NAME:
                return str(avatar["id"])
        body = {**AVATAR, "adult_attested_at": datetime.now(UTC).isoformat()}
        created = await self._ask("POST", "/api/v1/avatars", body)
        return str(created["id"])

    async def batch(self, avatar_id: str, pieces: int) -> str:
        """Order a batch and give its task's id."""
        body = {
            "avatar_id": avatar_id,
            "num_pieces": pieces,
            "platform": "instagram",
            "tier_distribution": TIERS,
            "include_hooks": True,
            "safety_check": True,
            "upload_to_storage": True,
        }
        accepted = await self._ask("POST", "/api/v1/content/batch", body)
        return str(accepted["task_id"])

    async def task(self, task_id: str) -> dict[str, Any]:
        """Give the task's state, counts and, at its end, its pieces."""
        return await self._ask("GET", f"/api/v1/content/tasks/{task_id}")

    async def _ask(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            response = await self.http.request(method, path, json=body)
        except httpx2.HTTPError as exc:
            raise RequestRefused(
                f"{method} {path}: no answer: {exc or type(exc).__name__}"
            ) from exc
        if response.is_error:
            raise RequestRefused(
                f"{method} {path} was answered with {response.status_code}:\n  {response.text}"
            )
        answer: dict[str, Any] = response.json()
        return answer


def open_client(url: str, api_key: str) -> DemoClient:
    """Give a client; close its `http` at the end."""
    return DemoClient(
        httpx2.AsyncClient(
            base_url=url,
            headers={"X-API-Key": api_key},
            timeout=REQUEST_TIMEOUT_S,
            trust_env=False,  # a proxy cannot reach this machine's loopback
        )
    )
