"""A ledger, a store and a generator in memory, behind the port the gateway asks through."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from shared import calls
from shared.calls import (
    AcceptTask,
    Avatar,
    Piece,
    PieceDetail,
    PiecePage,
    Reason,
    StageCounts,
    TaskState,
    TaskView,
)
from shared.content import (
    BlockCategory,
    Captions,
    CaptionSource,
    Decision,
    JudgeReport,
    Rating,
)
from shared.ids import piece_id
from shared.outcomes import TryLater
from shared.problems import Problem, not_found
from shared.rpc import Call, Reply, Request
from tests.builders import generation
from tests.gateway.provider_desk import ProviderDesk
from tests.gateway.request_desk import RequestDesk
from tests.gateway.review_desk import ReviewDesk, start_of
from tests.gateway.staging import MemoryStaging
from tests.gateway.times import NOW

__all__ = ["KEY", "NOW", "SECRET", "TENANT", "Backend"]

TENANT = "default"
SECRET = "s3cret-s3cret-s3cret"
KEY = f"atl_k1_{SECRET}"


class Backend(ReviewDesk, ProviderDesk, RequestDesk):
    """Answers every call as the real services would; what it was asked lies in `asked`."""

    def __init__(self) -> None:
        ReviewDesk.__init__(self)
        ProviderDesk.__init__(self)
        RequestDesk.__init__(self)
        digest = hashlib.sha256(SECRET.encode()).hexdigest()
        self.keys = {
            ident: calls.ApiKey(
                key_id=ident,
                tenant=tenant,
                name=f"of {tenant}",
                secret_sha256=digest,
                # All tests share one application, and with it what its limits have counted.
                limit=calls.RateLimit(requests=1_000_000),
            )
            for ident, tenant in (("k1", TENANT), ("k2", "other"))
        }
        self.avatars: dict[str, Avatar] = {}
        self.accepted: dict[str, AcceptTask] = {}
        self.tasks: dict[str, TaskView] = {}
        self.orders: dict[tuple[str, str], tuple[str, str]] = {}
        self.forbidden = "forbidden"
        self.screened: list[calls.ScreenTexts] = []
        self.checked: list[tuple[calls.CheckContent, bytes | None]] = []
        self.captioned: list[calls.WriteCaptions] = []
        self.unfrozen: list[calls.UnfreezeAvatar] = []
        self.taken_down: list[calls.TakeDownPiece] = []
        self.lent: list[calls.LendBytes] = []
        self.staging = MemoryStaging()
        self.breakers = {"preview": "closed"}
        self.asked: list[str] = []
        self.limits_s: dict[str, float | None] = {}
        self.away: set[str] = set()
        self.broken: set[str] = set()
        self.instead: dict[str, Callable[[Any], Awaitable[Any]]] = {}
        self.on_accept: Callable[[AcceptTask], Awaitable[None]] | None = None

    async def __call__(
        self, call: Call[Request, Reply], request: Request, *, timeout_s: float | None = None
    ) -> Reply:
        self.asked.append(call.name)
        if call.name in self.away or call.name.split(".")[0] in self.away:
            raise TryLater(f"nobody answers {call.name}")
        if call.name in self.broken:
            raise RuntimeError("a secret of the inside")
        self.limits_s[call.name] = timeout_s
        # Through JSON and back, as on the wire.
        heard = call.request.model_validate_json(request.model_dump_json())
        usual = getattr(self, "_" + call.name.replace(".", "_"))
        answer = await self.instead.get(call.name, usual)(heard)
        return call.reply.model_validate_json(answer.model_dump_json())

    # --- what tests arrange ----------------------------------------------------------------------

    def avatar(self, avatar_id: str = "ada", **fields: Any) -> Avatar:
        known: dict[str, Any] = {
            "id": avatar_id,
            "tenant": TENANT,
            "name": "Ada",
            "niche": "fitness",
            "stage": "ready",
            "base_prompt": "portrait of a woman in her thirties",
            "lora_weights_url": "loras/ada.safetensors",
            "created_at": NOW,
            "updated_at": NOW,
        }
        self.avatars[avatar_id] = Avatar.model_validate(known | fields)
        return self.avatars[avatar_id]

    def deliver(self, task_id: str, index: int, **fields: Any) -> Piece:
        """Record one more finished piece of a task."""
        task = self.accepted[task_id]
        brief = task.briefs[index]
        ident = piece_id(task_id, index)
        known: dict[str, Any] = {
            "id": ident,
            "task_id": task_id,
            "avatar_id": task.avatar_id,
            "index": index,
            "state": "persisted",
            "run": 1,
            "access_tier": brief.tier,
            "template_id": brief.template_id,
            "prompt": brief.prompt,
            "platform": task.platform,
            "object_key": f"content/{task.avatar_id}/{ident}_t.png",
            "thumbnail_key": f"content/{task.avatar_id}/{ident}_t_thumb.jpg",
            "public": brief.tier.rank == 1,
            "hook_text": "Golden hour.",
            "hooks": ("Golden hour.", "Again."),
            "safety_rating": Rating.SAFE,
            "generation": generation(seed=brief.seed),
            "cost_usd_micros": 10_000,
            "created_at": NOW,
        }
        self.pieces[ident] = Piece.model_validate(known | fields)
        return self.pieces[ident]

    def end(self, task_id: str, state: TaskState = TaskState.COMPLETED, **fields: Any) -> None:
        """End a task with whatever was delivered."""
        persisted = sum(piece.task_id == task_id for piece in self.pieces.values())
        view = self.tasks[task_id]
        known: dict[str, Any] = {
            "state": state,
            "progress": 100,
            "completed_at": NOW,
            "counts": StageCounts(requested=view.total, persisted=persisted),
            "cost_usd_micros": 10_000 * persisted,
        }
        self.tasks[task_id] = view.model_copy(update=known | fields)

    def finish(self, task_id: str) -> None:
        """Deliver every piece of a task and end it."""
        for index in range(len(self.accepted[task_id].briefs)):
            self.deliver(task_id, index)
        self.end(task_id)

    def fail(self, task_id: str, *reasons: Reason, **fields: Any) -> None:
        """End a task without any piece."""
        self.end(task_id, TaskState.FAILED, reasons=reasons, **fields)

    # --- the calls -------------------------------------------------------------------------------

    async def _ledger_key_find(self, request: calls.FindKey) -> calls.ApiKey:
        if request.key_id not in self.keys:
            raise not_found("key", request.key_id)
        return self.keys[request.key_id]

    async def _ledger_key_issue(self, request: calls.IssueKey) -> calls.KeyRecord:
        known = request.model_dump(exclude={"issued_by"})
        self.keys[request.key_id] = calls.ApiKey.model_validate(known)
        return self._record(request.key_id)

    async def _ledger_key_list(self, request: calls.ListKeys) -> calls.KeyPage:
        mine = [ident for ident, key in self.keys.items() if key.tenant == request.tenant]
        start = start_of(request.cursor)
        end = start + request.limit
        return calls.KeyPage(
            keys=tuple(map(self._record, mine[start:end])),
            next_cursor=str(end) if end < len(mine) else None,
        )

    async def _ledger_key_revoke(self, request: calls.KeyRef) -> calls.KeyRecord:
        key = self.keys.get(request.key_id)
        if key is None or key.tenant != request.tenant:
            raise not_found("key", request.key_id)
        record = self._record(request.key_id)
        del self.keys[request.key_id]
        return record.model_copy(update={"revoked_at": NOW})

    def _record(self, key_id: str) -> calls.KeyRecord:
        return calls.KeyRecord(**self.keys[key_id].model_dump(), created_at=NOW)

    async def _safety_text_screen(self, request: calls.ScreenTexts) -> calls.Screened:
        """Blocks what is `forbidden`, and the name `Famous Person` unless they have consented."""
        self.screened.append(request)
        findings = []
        for index, each in enumerate(request.texts):
            if self.forbidden in each.text:
                findings.append((index, BlockCategory.MINORS))
            elif "Famous Person" in each.text and request.consented_name != "Famous Person":
                findings.append((index, BlockCategory.REAL_PERSON))
        return calls.Screened(
            policy_version="test",
            findings=tuple(
                calls.Finding(index=index, category=category, reason="a rule of the test")
                for index, category in findings
            ),
        )

    async def _safety_content_check(self, request: calls.CheckContent) -> calls.ContentChecked:
        """Rejects a `forbidden` text and approves all else, once it has read the image."""
        image = None if request.image is None else self.staging.read(request.image)
        self.checked.append((request, image))
        is_blocked = self.forbidden in (request.text or "")
        finding = calls.Finding(index=0, category=BlockCategory.MINORS, reason="a rule of the test")
        return calls.ContentChecked(
            decision=Decision.REJECTED if is_blocked else Decision.APPROVED,
            rating=Rating.REJECTED if is_blocked else Rating.SAFE,
            explicitness_level=1,
            tier=request.tier,
            reason="a rule of the test",
            policy_version="test",
            findings=(finding,) if is_blocked else (),
            blocked=BlockCategory.MINORS if is_blocked else None,
            judges=(JudgeReport(judge="test", image_scores={"sexual": 0.25}),),
            unscored=("violence",),
        )

    async def _hooks_write(self, request: calls.WriteCaptions) -> calls.CaptionsWritten:
        """A model writes `count` captions a picture, for a tenth of a cent each."""
        self.captioned.append(request)
        written = (
            Captions(
                source=CaptionSource.MODEL,
                hooks=tuple(f"{place}-{number}" for number in range(request.count)),
                provider="anthropic",
                model="a-model",
            )
            for place, _ in enumerate(request.pictures)
        )
        cost = 1_000 * len(request.pictures)
        return calls.CaptionsWritten(captions=tuple(written), cost_usd_micros=cost)

    async def _ledger_avatar_create(self, request: calls.CreateAvatar) -> Avatar:
        given = request.fields.model_dump(exclude_none=True)
        return self.avatar(
            request.avatar_id,
            **{"niche": None, "stage": "draft", "base_prompt": "", "lora_weights_url": None}
            | given,
        )

    async def _ledger_avatar_get(self, request: calls.AvatarRef) -> Avatar:
        avatar = self.avatars.get(request.avatar_id)
        if avatar is None or avatar.tenant != request.tenant:
            raise not_found("avatar", request.avatar_id)
        return avatar

    async def _ledger_avatar_list(self, request: calls.ListAvatars) -> calls.AvatarPage:
        mine = [avatar for avatar in self.avatars.values() if avatar.tenant == request.tenant]
        start = start_of(request.cursor)
        end = start + request.limit
        return calls.AvatarPage(
            avatars=tuple(mine[start:end]), next_cursor=str(end) if end < len(mine) else None
        )

    async def _ledger_avatar_change(self, request: calls.ChangeAvatar) -> Avatar:
        avatar = await self._ledger_avatar_get(request)
        given = request.fields.model_dump(exclude_none=True)
        known = avatar.model_dump() | given | dict.fromkeys(request.clear)
        self.avatars[avatar.id] = Avatar.model_validate(known)
        return self.avatars[avatar.id]

    async def _ledger_avatar_unfreeze(self, request: calls.UnfreezeAvatar) -> Avatar:
        avatar = await self._ledger_avatar_get(request)
        if avatar.frozen is None:
            raise Problem(409, "avatar_not_frozen", "The avatar is not frozen.")
        self.unfrozen.append(request)
        self.avatars[avatar.id] = avatar.model_copy(update={"frozen": None})
        return self.avatars[avatar.id]

    async def _ledger_avatar_delete(self, request: calls.AvatarRef) -> calls.Deleted:
        avatar = await self._ledger_avatar_get(request)
        del self.avatars[avatar.id]
        gone = [ident for ident, p in self.pieces.items() if p.avatar_id == avatar.id]
        for ident in gone:
            del self.pieces[ident]
        return calls.Deleted(pieces=len(gone))

    async def _ledger_order_find(self, request: calls.FindOrder) -> calls.FoundOrder:
        task_id = self._ordered(request.tenant, request.order_key)
        return calls.FoundOrder(task=None if task_id is None else self.tasks[task_id])

    def _ordered(self, tenant: str, key: calls.OrderKey) -> str | None:
        known = self.orders.get((tenant, key.key))
        if known is None:
            return None
        if known[0] != key.body_sha256:
            field = "Idempotency-Key"
            raise Problem(409, "idempotency_conflict", "Another order by this key.", field=field)
        return known[1]

    async def _ledger_task_accept(self, request: AcceptTask) -> TaskView:
        if request.order_key is not None:
            earlier = self._ordered(request.tenant, request.order_key)
            if earlier is not None:
                return self.tasks[earlier]
            known = (request.order_key.body_sha256, request.task_id)
            self.orders[request.tenant, request.order_key.key] = known
        self.accepted[request.task_id] = request
        self.tasks[request.task_id] = TaskView(
            task_id=request.task_id,
            tenant=request.tenant,
            avatar_id=request.avatar_id,
            kind=request.kind,
            platform=request.platform,
            state=TaskState.QUEUED,
            progress=0,
            total=len(request.briefs),
            counts=StageCounts(requested=len(request.briefs)),
            cost_usd_micros=0,
            generation_time_ms=1200,
            config=request.config,
            accepted_at=request.accepted_at,
            deadline_at=request.deadline_at,
        )
        if self.on_accept is not None:
            await self.on_accept(request)
        return self.tasks[request.task_id].model_copy(update={"state": TaskState.QUEUED})

    async def _ledger_task_get(self, request: calls.TaskRef) -> TaskView:
        task = self.tasks.get(request.task_id)
        if task is None or task.tenant != request.tenant:
            raise not_found("task", request.task_id)
        return task

    async def _ledger_task_cancel(self, request: calls.TaskRef) -> TaskView:
        await self._ledger_task_get(request)
        self.end(request.task_id, TaskState.CANCELLED)
        return self.tasks[request.task_id]

    async def _ledger_piece_get(self, request: calls.PieceRef) -> PieceDetail:
        piece = self.pieces.get(request.piece_id)
        if piece is None or not self._owns(request.tenant, piece):
            raise not_found("piece", request.piece_id)
        entry = calls.TimelineEntry(at=NOW, run=1, fact="content.requested")
        attempt = calls.AttemptRecord(
            attempt_id="a-1",
            number=1,
            run=1,
            provider="preview",
            outcome="succeeded",
            duration_ms=1200,
            cost_usd_micros=10_000,
            opened_at=NOW,
            settled_at=NOW,
        )
        written = attempt.model_copy(
            update={"attempt_id": "a-2", "kind": "captions", "provider": "anthropic"}
        )
        return PieceDetail(piece=piece, timeline=(entry,), attempts=(attempt, written))

    async def _ledger_piece_list(self, request: calls.ListPieces) -> PiecePage:
        if request.avatar_id is not None:
            await self._ledger_avatar_get(
                calls.AvatarRef(tenant=request.tenant, avatar_id=request.avatar_id)
            )
        found = [
            piece
            for piece in self.pieces.values()
            if self._owns(request.tenant, piece)
            and request.task_id in {None, piece.task_id}
            and request.avatar_id in {None, piece.avatar_id}
            and request.tier in {None, piece.access_tier}
            and request.rating in {None, piece.safety_rating}
            and (piece.state == "persisted" or not request.delivered_only)
        ]
        start = start_of(request.cursor)
        end = start + request.limit
        return PiecePage(
            pieces=tuple(found[start:end]), next_cursor=str(end) if end < len(found) else None
        )

    def _owns(self, tenant: str, piece: Piece) -> bool:
        task = self.accepted.get(piece.task_id)
        return task is None or task.tenant == tenant

    async def _ledger_piece_publish(self, request: calls.PublishPiece) -> Piece:
        piece = (await self._ledger_piece_get(request)).piece
        if piece.taken_down_at is not None:
            raise Problem(410, "piece_taken_down", "The piece was taken down.")
        news = {"published_at": NOW, "price_usd_micros": request.price_usd_micros}
        self.pieces[piece.id] = piece.model_copy(update=news)
        return self.pieces[piece.id]

    async def _ledger_piece_take_down(self, request: calls.TakeDownPiece) -> Piece:
        piece = (await self._ledger_piece_get(request)).piece
        if piece.state != "persisted":
            raise Problem(409, "piece_not_delivered", "Only a finished piece can be taken down.")
        self.taken_down.append(request)
        self.pieces[piece.id] = piece.model_copy(
            update={"taken_down_at": piece.taken_down_at or NOW}
        )
        return self.pieces[piece.id]

    async def _ledger_stats_get(self, request: calls.AvatarRef) -> calls.AvatarStats:
        await self._ledger_avatar_get(request)
        return calls.AvatarStats(
            avatar_id=request.avatar_id,
            total_pieces=3,
            tiers={"capa1": 3},
            ratings={"safe": 3},
            states={"persisted": 3},
            total_cost_usd_micros=100_001,
            average_cost_usd_micros=33_333,
            total_generation_time_ms=3600,
            average_generation_time_ms=1200,
        )

    async def _ledger_health(self, _: calls.Nothing) -> calls.LedgerHealth:
        return calls.LedgerHealth(
            avatars=1, pieces=2, tasks_open=3, outbox_waiting=0, pool_size=5, pool_in_use=1
        )

    async def _storage_health(self, _: calls.Nothing) -> calls.ComponentHealth:
        return calls.ComponentHealth(status="ok", detail={"free_bytes": 10})

    async def _generator_health(self, _: calls.Nothing) -> calls.ComponentHealth:
        status = "degraded" if "open" in self.breakers.values() else "ok"
        return calls.ComponentHealth.model_validate({"status": status, "detail": self.breakers})

    async def _safety_health(self, _: calls.Nothing) -> calls.ComponentHealth:
        return calls.ComponentHealth(status="ok", detail={"judges": {"preview": "ready"}})

    async def _storage_object_lend(self, request: calls.LendBytes) -> calls.LentBytes:
        self.lent.append(request)
        image = await self.staging.put(request.name, b"lent", media_type="image/png")
        return calls.LentBytes(image=image)

    async def _storage_links_sign(self, request: calls.SignLinks) -> calls.SignedLinks:
        if len(request.keys) > 100:
            raise Problem(422, "too_many_keys", "at most 100")
        review = f"&review=1&expires_s={request.expires_s}" if request.in_review else ""
        urls = (f"/objects/{key}?signature=x{review}" for key in request.keys)
        return calls.SignedLinks(urls=tuple(urls))
