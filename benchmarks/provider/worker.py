"""Speaks docs/worker-contract.md and gives everybody the same picture."""

import asyncio
import base64
import json
from contextlib import AsyncExitStack
from pathlib import Path

from benchmarks.provider.connection import HOST, Connection


class Worker:
    """Gives `image` after `takes_s` seconds, at most `slots` at a time (0: any number)."""

    def __init__(self, image: bytes, *, side_px: int, takes_s: float = 0.0, slots: int = 0) -> None:
        encoded = base64.b64encode(image).decode()
        self._begin = (
            f'{{"image_base64":"{encoded}","image_size":"{side_px}x{side_px}",'
            f'"generation_time_seconds":{takes_s},"model_info":{{"base_model":"stub",'
            '"lora_applied":true,"lora_version":"1","lora_scale":0.9},"metadata":'
        ).encode()
        self._takes_s = takes_s
        self._slots = asyncio.Semaphore(slots) if slots else None

    async def serve(self, port_file: Path) -> None:
        """Listen on a free port and write it to `port_file`; runs until cancelled."""
        loop = asyncio.get_running_loop()
        later = self.make if self._takes_s else None
        server = await loop.create_server(lambda: Connection(self.answer, later), HOST, 0)
        port = server.sockets[0].getsockname()[1]
        part = port_file.with_suffix(".part")
        part.write_text(str(port))
        part.replace(port_file)
        await server.serve_forever()

    async def make(self, request: bytes) -> bytes:
        """The answer to a request, after the time that an image takes."""
        async with AsyncExitStack() as stack:
            if self._slots is not None:
                await stack.enter_async_context(self._slots)
            await asyncio.sleep(self._takes_s)
        return self.answer(request)

    def answer(self, request: bytes) -> bytes:
        """The answer to a request, at once."""
        asked = json.loads(request)
        metadata = {
            "seed_used": asked["seed"],
            "actual_steps": asked["steps"],
            "actual_cfg": asked["cfg"],
        }
        return self._begin + json.dumps(metadata).encode() + b"}"
