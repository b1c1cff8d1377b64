"""One replica: `python -m benchmarks.peers.litellm_router ORDER`, an order in JSON.

Prints how long each image took and how many there were not. Runs on packages of its own.
"""

import asyncio
import json
import sys
import time
from typing import Any

# Not installed with the project: see requirements/bench-router.txt.
import litellm
from openai import AsyncOpenAI


def router(order: dict[str, Any]) -> litellm.Router:
    """The first provider, and the others behind it; each tried twice, as long as ours."""
    names = [f"provider-{place}" for place in range(len(order["origins"]))]
    deployments = [
        {
            "model_name": name,
            "litellm_params": {
                "model": "openai/stub",
                "api_base": f"{origin}/v1",
                "api_key": "none",
                "timeout": order["call_limit_s"],
                "max_retries": 0,
                "max_parallel_requests": order["most_a_provider"],
            },
            "model_info": {"mode": "image_generation"},
        }
        for name, origin in zip(names, order["origins"], strict=True)
    ]
    return litellm.Router(
        model_list=deployments,
        fallbacks=[{name: names[place + 1 :]} for place, name in enumerate(names[:-1])],
        num_retries=order["retries"],
        timeout=order["call_limit_s"],
        allowed_fails=5,
        cooldown_time=60,
    )


async def through(order: dict[str, Any]) -> dict[str, Any]:
    """All images of the order, so many at a time."""
    routed = router(order)
    slots = asyncio.Semaphore(order["at_once"])
    took_s: list[float] = []
    reasons: dict[str, int] = {}

    async def one() -> None:
        async with slots:
            began = time.perf_counter()
            try:
                answer = await routed.aimage_generation(prompt="a portrait", model="provider-0")
            except Exception as exc:  # noqa: BLE001 - counted, whatever it is
                name = type(exc).__name__
                reasons[name] = reasons.get(name, 0) + 1
                return
            if answer.data and answer.data[0].b64_json:
                took_s.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(order["images"])))
    return {
        "took_s": took_s,
        "wall_s": time.perf_counter() - began,
        "asked": order["images"],
        "reasons": reasons,
    }


async def bare(order: dict[str, Any]) -> dict[str, Any]:
    """The same images one by one by the client alone, for what the router adds."""
    took_s = []
    origin = order["origins"][0]
    async with AsyncOpenAI(api_key="none", base_url=f"{origin}/v1", max_retries=0) as client:
        for _ in range(order["images"]):
            began = time.perf_counter()
            await client.images.generate(prompt="a portrait", model="stub")
            took_s.append(time.perf_counter() - began)
    return {"took_s": took_s}


def main() -> None:
    """Carry out the order and print what came of it."""
    litellm.suppress_debug_info = True
    order = json.loads(sys.argv[1])
    way = bare if order.get("bare") else through
    sys.stdout.write(json.dumps(asyncio.run(way(order))) + "\n")


main()
