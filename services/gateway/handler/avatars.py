"""Record, read, change, unfreeze and delete avatars."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.gateway.domain.readiness import blockers
from services.gateway.handler.avatar_bodies import ChangeAvatarBody, CreateAvatarBody
from services.gateway.handler.avatar_views import (
    AvatarList,
    AvatarView,
    BlockedAvatar,
    DeletedView,
    ReadinessView,
    Reason,
)
from services.gateway.handler.door import Open, Tenant, Token
from services.gateway.handler.openapi import problems
from services.gateway.handler.pieces import Cursor
from services.gateway.handler.scopes import Key, needs
from services.gateway.handler.stated_reason import StatedReason
from services.gateway.handler.strict_bodies import StrictRoute
from shared.calls import (
    CHANGE_AVATAR,
    CREATE_AVATAR,
    DELETE_AVATAR,
    GET_AVATAR,
    LIST_AVATARS,
    UNFREEZE_AVATAR,
    Avatar,
    AvatarRef,
    ChangeAvatar,
    CreateAvatar,
    ListAvatars,
    Scope,
    UnfreezeAvatar,
)

router = APIRouter(prefix="/avatars", tags=["avatars"], route_class=StrictRoute)

_LOCATION = {"Location": {"description": "the avatar", "schema": {"type": "string"}}}


@router.post(
    "",
    status_code=201,
    summary="Record an avatar",
    responses={**problems(409, 413), 201: {"headers": _LOCATION}},
)
async def create_avatar(
    body: CreateAvatarBody, response: Response, door: Open, tenant: Tenant
) -> AvatarView:
    """Record an avatar; it can be used once it has LoRA weights.

    Its words are screened with every order that they stand in, not here.
    """
    wanted = CreateAvatar(tenant=tenant, avatar_id=door.new_id(), fields=body.as_fields())
    avatar = await door.ask(CREATE_AVATAR, wanted)
    response.headers["Location"] = f"{door.public_base_url}/api/v1/avatars/{avatar.id}"
    return _view(avatar)


@router.get("", summary="All avatars", responses=problems())
async def list_avatars(
    door: Open,
    tenant: Tenant,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> AvatarList:
    """Avatars, newest first."""
    page = await door.ask(LIST_AVATARS, ListAvatars(tenant=tenant, cursor=cursor, limit=limit))
    return AvatarList(
        avatars=[_view(avatar) for avatar in page.avatars], next_cursor=page.next_cursor
    )


@router.get("/readiness", summary="Which avatars are blocked, and why", responses=problems())
async def read_readiness(door: Open, tenant: Tenant) -> ReadinessView:
    """Every avatar that no piece can be ordered of, with all reasons."""
    total = 0
    blocked: list[BlockedAvatar] = []
    cursor: str | None = None
    while True:
        page = await door.ask(LIST_AVATARS, ListAvatars(tenant=tenant, cursor=cursor, limit=100))
        total += len(page.avatars)
        blocked.extend(_blocked(avatar) for avatar in page.avatars if blockers(avatar))
        cursor = page.next_cursor
        if cursor is None:
            return ReadinessView(total=total, ready=total - len(blocked), blocked=blocked)


@router.get("/{avatar_id}", summary="An avatar", responses=problems(404))
async def read_avatar(avatar_id: Token, door: Open, tenant: Tenant) -> AvatarView:
    """An avatar as it is recorded."""
    return _view(await door.ask(GET_AVATAR, AvatarRef(tenant=tenant, avatar_id=avatar_id)))


@router.patch("/{avatar_id}", summary="Change an avatar", responses=problems(404, 409, 413))
async def change_avatar(
    avatar_id: Token, body: ChangeAvatarBody, door: Open, tenant: Tenant
) -> AvatarView:
    """Change the given fields; null empties one, what is not named stays."""
    wanted = ChangeAvatar(
        tenant=tenant, avatar_id=avatar_id, fields=body.as_fields(), clear=body.cleared()
    )
    return _view(await door.ask(CHANGE_AVATAR, wanted))


@router.delete("/{avatar_id}", summary="Delete an avatar", responses=problems(404, 409))
async def delete_avatar(avatar_id: Token, door: Open, tenant: Tenant) -> DeletedView:
    """Delete an avatar with its pieces and their files; costs and history stay."""
    deleted = await door.ask(DELETE_AVATAR, AvatarRef(tenant=tenant, avatar_id=avatar_id))
    return DeletedView(avatar_id=avatar_id, deleted_pieces=deleted.pieces)


@router.post(
    "/{avatar_id}/unfreeze",
    summary="Let an avatar be used again",
    responses=problems(404, 409, 413),
    openapi_extra=needs(Scope.ADMIN),
)
async def unfreeze_avatar(
    avatar_id: Token, body: StatedReason, door: Open, tenant: Tenant, key: Key
) -> AvatarView:
    """Lift the freeze that followed an absolute block; who did so, and why, is kept.

    May be sent again: an avatar that is not frozen answers 409 and stays as it is.
    """
    wanted = UnfreezeAvatar(tenant=tenant, avatar_id=avatar_id, by=key.key_id, reason=body.reason)
    return _view(await door.ask(UNFREEZE_AVATAR, wanted))


def _view(avatar: Avatar) -> AvatarView:
    return AvatarView(
        **avatar.model_dump(exclude={"tenant"}),
        blocked_by=[blocker.code for blocker in blockers(avatar)],
    )


def _blocked(avatar: Avatar) -> BlockedAvatar:
    return BlockedAvatar(
        avatar_id=avatar.id,
        name=avatar.name,
        stage=avatar.stage,
        reasons=[Reason(code=each.code, detail=each.detail) for each in blockers(avatar)],
    )
