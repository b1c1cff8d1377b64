"""What captions are asked for: the pictures, whose they are, and where they are to appear."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.gateway.domain.briefs import consented_name
from services.gateway.domain.readiness import caption_blockers
from services.gateway.handler.caption_bodies import CaptionsBody, platform_required
from services.gateway.handler.door import Door
from services.gateway.handler.finished import finished
from services.gateway.handler.planning import refuse
from services.gateway.handler.screening import screen_words
from shared.calls import GET_AVATAR, Avatar, AvatarRef, PictureToCaption, Piece, TextToScreen
from shared.content import Platform, Tier
from shared.problems import Problem


@dataclass(frozen=True, slots=True)
class Subject:
    """Pictures of one avatar, or of nobody, for one platform."""

    pictures: tuple[PictureToCaption, ...]
    platform: Platform
    avatar: Avatar | None

    @property
    def consented_name(self) -> str | None:
        """The real person who has consented to be this avatar's face."""
        return consented_name(self.avatar) if self.avatar else None


async def find_subject(door: Door, tenant: str, body: CaptionsBody) -> Subject:
    """Raises Problem for what no captions may be written for, TryLater."""
    body.check_choice()
    if body.prompt is not None:
        return await _of_prompt(door, tenant, body, body.prompt)
    return await _of_pieces(door, tenant, body, body.piece_ids or ())


async def _of_pieces(door: Door, tenant: str, body: CaptionsBody, named: Sequence[str]) -> Subject:
    fields = {piece_id: f"piece_ids.{named.index(piece_id)}" for piece_id in named}
    pieces = await asyncio.gather(
        *(finished(door, tenant, piece_id, field=field) for piece_id, field in fields.items())
    )
    for piece in pieces:
        if piece.avatar_id != pieces[0].avatar_id:
            detail = "The pieces are of several avatars; ask for one avatar's at a time."
            raise Problem(422, "pieces_differ", detail, field=fields[piece.id])
    platform = body.platform or _platform_of(pieces)
    avatar = await _speaker(door, tenant, pieces[0].avatar_id, field="piece_ids")
    pictures = [await _picture(door, piece) for piece in pieces]
    return Subject(tuple(pictures), platform, avatar)


def _platform_of(pieces: Sequence[Piece]) -> Platform:
    first, *others = {Platform(piece.platform) for piece in pieces}
    if others:
        raise platform_required("the pieces are for several")
    return first


async def _picture(door: Door, piece: Piece) -> PictureToCaption:
    template = await door.library.get(piece.template_id) if piece.template_id else None
    return PictureToCaption(
        prompt=piece.prompt,
        category=template.category if template else None,
        tier=piece.access_tier,
        piece_id=piece.id,
    )


async def _of_prompt(door: Door, tenant: str, body: CaptionsBody, prompt: str) -> Subject:
    if body.platform is None:
        raise platform_required("a prompt is for none by itself")
    avatar = (
        await _speaker(door, tenant, body.avatar_id, field="avatar_id") if body.avatar_id else None
    )
    picture = PictureToCaption(prompt=prompt, tier=body.tier or Tier.CAPA1)
    subject = Subject((picture,), body.platform, avatar)
    words = TextToScreen(text=prompt, tier=picture.tier)
    await screen_words(door, tenant, words, consented_name=subject.consented_name, field="prompt")
    return subject


async def _speaker(door: Door, tenant: str, avatar_id: str, *, field: str) -> Avatar:
    try:
        avatar = await door.ask(GET_AVATAR, AvatarRef(tenant=tenant, avatar_id=avatar_id))
    except Problem as problem:
        raise Problem.of(problem.details.model_copy(update={"field": field})) from problem
    refuse(caption_blockers(avatar), field=field)
    return avatar
