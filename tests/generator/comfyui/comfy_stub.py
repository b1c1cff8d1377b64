"""A ComfyUI of ours: its queue, its history and its events, with faults on demand.

Nothing is generated: the output is a drawn PNG that holds the workflow, as the real one's does.
"""

import asyncio
import io
import json
import struct
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.generator.comfyui.wire import Reply, Request, Socket, WireServer, as_json
from tests.generator.worker_stub import png

OUTPUT = "save"


@dataclass(frozen=True)
class Run:
    """How a job goes. `held`: it stays at work until it is released or interrupted."""

    error: dict[str, Any] | None = None
    held: bool = False
    outputs: dict[str, Any] | None = None


@dataclass
class StubJob:
    id: str
    client: str
    nodes: dict[str, Any]
    free: asyncio.Event = field(default_factory=asyncio.Event)
    interrupted: bool = False

    @property
    def item(self) -> list[Any]:
        return [1, self.id, self.nodes, {"client_id": self.client}, [OUTPUT]]


class ComfyStub:
    """Runs one job at a time, in a thread of its own."""

    def __init__(self) -> None:
        self.wire = WireServer(self._answer, self._on_socket)
        self.asked: list[Request] = []
        self.prompts: list[dict[str, Any]] = []
        self.faults: dict[str, list[Reply]] = {}
        self.afterwards: dict[str, list[Reply]] = {}
        self.runs: list[Run] = []
        self.sockets: dict[str, Socket] = {}
        self.connections = 0
        self.pending: list[StubJob] = []
        self.running: StubJob | None = None
        self.history: dict[str, Any] = {}
        self.interrupts: list[str] = []
        self.lost_interrupts = 0
        self.forgotten: list[str] = []
        self.takes_wanted_ids = True
        self.keeps_history = True
        self.files: dict[str, bytes] = {}
        self.image: Callable[[int, int], bytes] = png
        self._some = asyncio.Event()

    @property
    def url(self) -> str:
        return self.wire.url

    @contextmanager
    def serving(self) -> Iterator["ComfyStub"]:
        with self.wire.running():
            self.wire.loop.call_soon_threadsafe(self._begin)
            yield self

    def fails(self, path: str, *replies: Reply) -> None:
        """Answer so first, instead of doing what is asked."""
        self.faults.setdefault(path, []).extend(replies)

    def loses_answer(self, path: str, reply: Reply) -> None:
        """Do what is asked, and answer so."""
        self.afterwards.setdefault(path, []).append(reply)

    def on_its_side(self, act: Callable[[], object]) -> None:
        async def run() -> None:
            act()

        self.wire.do(run())

    def drop_sockets(self) -> None:
        def drop() -> None:
            for socket in self.sockets.values():
                socket.drop()

        self.on_its_side(drop)

    def release(self) -> None:
        def free() -> None:
            if self.running:
                self.running.free.set()

        self.on_its_side(free)

    def restart(self) -> None:
        """Forget everything, as a new process would."""
        self.on_its_side(self._lose)

    def told(self, path: str) -> list[Request]:
        return [request for request in self.asked if request.path.startswith(path)]

    def _lose(self) -> None:
        self.pending.clear()
        self.history.clear()
        self.keeps_history = False
        if self.running:
            self.running.client = ""
            self.running.free.set()
            self.running = None

    def _begin(self) -> None:
        self._work = self.wire.loop.create_task(self._run_jobs())

    def _on_socket(self, client: str, socket: Socket, opened: bool) -> None:
        if opened:
            self.connections += 1
            self.sockets[client] = socket
            self._tell(client, "status", {"status": {"exec_info": {"queue_remaining": 0}}})
        else:
            # As the real one: an old connection's end takes the new one's place away.
            self.sockets.pop(client, None)

    async def _answer(self, request: Request) -> Reply:
        self.asked.append(request)
        name = "/" + request.path.split("/")[1]
        if self.faults.get(name):
            return self.faults[name].pop(0)
        serve = getattr(self, f"_{request.method.lower()}_{name[1:]}", None)
        reply = Reply(404) if serve is None else serve(request)
        return self.afterwards[name].pop(0) if self.afterwards.get(name) else reply

    def _post_prompt(self, request: Request) -> Reply:
        body = request.json
        self.prompts.append(body)
        wanted = body.get("prompt_id") if self.takes_wanted_ids else None
        job = StubJob(wanted or str(uuid.uuid4()), body["client_id"], body["prompt"])
        self.pending.append(job)
        self._some.set()
        return as_json({"prompt_id": job.id, "number": 1, "node_errors": {}})

    def _get_history(self, request: Request) -> Reply:
        job_id = request.path.rsplit("/", 1)[1]
        found = self.history.get(job_id)
        return as_json({} if found is None else {job_id: found})

    def _post_history(self, request: Request) -> Reply:
        for job_id in request.json.get("delete", []):
            self.forgotten.append(job_id)
            self.history.pop(job_id, None)
        return Reply()

    def _get_queue(self, _: Request) -> Reply:
        running = [self.running.item] if self.running else []
        pending = [job.item for job in self.pending]
        return as_json({"queue_running": running, "queue_pending": pending})

    def _post_queue(self, request: Request) -> Reply:
        wanted = request.json["delete"]
        self.pending = [job for job in self.pending if job.id not in wanted]
        return Reply()

    def _post_interrupt(self, request: Request) -> Reply:
        job_id = (request.json if request.body else {}).get("prompt_id", "")
        self.interrupts.append(job_id)
        if len(self.interrupts) <= self.lost_interrupts:
            return Reply()
        if self.running and job_id in ("", self.running.id):
            self.running.interrupted = True
            self.running.free.set()
        return Reply()

    def _get_view(self, request: Request) -> Reply:
        data = self.files.get(request.query["filename"])
        return Reply(404) if data is None else Reply(200, data, {"Content-Type": "image/png"})

    async def _run_jobs(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while self.pending:
                self.running = self.pending.pop(0)
                await self._run(self.running, self.runs.pop(0) if self.runs else Run())

    async def _run(self, job: StubJob, run: Run) -> None:
        mine = {"prompt_id": job.id}
        self._tell(job.client, "execution_start", mine)
        self._tell(job.client, "execution_success", {"prompt_id": "somebody-elses"})
        self._tell(job.client, "progress", {"value": 1, "max": 20, "node": "sampler", **mine})
        if job.client in self.sockets:
            self.sockets[job.client].send(struct.pack(">II", 1, 1) + b"preview")
        if run.held:
            await job.free.wait()
        await self._end(job, run)

    async def _end(self, job: StubJob, run: Run) -> None:
        mine = {"prompt_id": job.id}
        outputs, event, told = {}, "execution_success", mine
        if job.interrupted:
            event = "execution_interrupted"
        elif run.error is not None:
            event, told = "execution_error", {**mine, **run.error}
        else:
            outputs = run.outputs if run.outputs is not None else self._save(job)
            for node, output in outputs.items():
                self._tell(job.client, "executed", {"node": node, "output": output, **mine})
        self._tell(job.client, event, told)
        # The real one tells before the history knows.
        await asyncio.sleep(0.02)
        status = "success" if event == "execution_success" else "error"
        if self.keeps_history:
            self.history[job.id] = {
                "prompt": job.item,
                "outputs": outputs,
                "status": {"status_str": status, "messages": [[event, told]]},
            }
        self.keeps_history = True
        self.running = None
        self._tell(job.client, "executing", {"node": None, **mine})

    def _save(self, job: StubJob) -> dict[str, Any]:
        sizes = [node["inputs"] for node in job.nodes.values() if "width" in node["inputs"]]
        name = f"atelier_{len(self.files):05}_.png"
        picture = self.image(sizes[0]["width"], sizes[0]["height"])
        self.files[name] = with_workflow(picture, job.nodes)
        return {OUTPUT: {"images": [{"filename": name, "subfolder": "", "type": "output"}]}}

    def _tell(self, client: str, event: str, data: dict[str, Any]) -> None:
        socket = self.sockets.get(client)
        if socket is not None:
            socket.send(json.dumps({"type": event, "data": data}))


def with_workflow(picture: bytes, nodes: dict[str, Any]) -> bytes:
    """As the node SaveImage writes it; what is no picture stays as it is."""
    if not picture.startswith(b"\x89PNG"):
        return picture
    info, out = PngInfo(), io.BytesIO()
    info.add_text("prompt", json.dumps(nodes))
    info.add_text("workflow", json.dumps(nodes), zip=True)
    with Image.open(io.BytesIO(picture)) as image:
        image.save(out, "PNG", pnginfo=info)
    return out.getvalue()
