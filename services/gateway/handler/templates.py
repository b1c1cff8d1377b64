"""Read the templates."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from services.gateway.domain.templates import Niche, Template
from services.gateway.handler.conditional import not_modified
from services.gateway.handler.door import Open, Token
from services.gateway.handler.json_types import View
from services.gateway.handler.openapi import Responses, problems
from shared.content import Platform, Tier
from shared.problems import not_found

router = APIRouter(prefix="/content/templates", tags=["templates"])

_CACHED = {"Cache-Control": "private, max-age=3600"}
_RESPONSES: Responses = {304: {"description": "Not changed since the version in `If-None-Match`"}}


class TemplateView(View):
    """A way to photograph an avatar."""

    id: str
    version: int
    category: str
    tier: Tier
    niches: list[Niche]
    platforms: list[Platform] | None = Field(description="null: every platform")
    title: str
    prompt: str
    negative_prompt: str
    scene: str
    framing: str
    orientation: str
    width: int = Field(description="pixels")
    height: int = Field(description="pixels")


class TemplateList(View):
    """Some templates, in the order of the library."""

    templates: list[TemplateView]
    total: int = Field(description="of all that match")
    next_offset: int | None = Field(description="send it as `offset` to go on; null at the end")


@router.get(
    "",
    response_model=TemplateList,
    summary="Templates",
    responses={**problems(), **_RESPONSES},
)
async def list_templates(
    request: Request,
    response: Response,
    door: Open,
    category: Annotated[str | None, Query(max_length=64)] = None,
    tier: Tier | None = None,
    niche: Annotated[str | None, Query(max_length=64)] = None,
    offset: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> TemplateList | Response:
    """All templates that match every given filter."""
    headers = _CACHED | {"ETag": f'"{await door.library.version()}"'}
    if not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    found = [
        template
        for template in await door.library.all()
        if (category is None or template.category == category)
        and (tier is None or template.tier is tier)
        and (niche is None or template.speaks_to(niche))
    ]
    page = found[offset : offset + limit]
    end = offset + len(page)
    return TemplateList(
        templates=[_view(template) for template in page],
        total=len(found),
        next_offset=end if page and end < len(found) else None,
    )


@router.get(
    "/{template_id}",
    response_model=TemplateView,
    summary="A template",
    responses={**problems(404), **_RESPONSES},
)
async def read_template(
    template_id: Token, request: Request, response: Response, door: Open
) -> TemplateView | Response:
    """One template."""
    template = await door.library.get(template_id)
    if template is None:
        raise not_found("template", template_id)
    headers = _CACHED | {"ETag": f'"{await door.library.version()}"'}
    if not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return _view(template)


def _view(template: Template) -> TemplateView:
    return TemplateView(
        id=template.id,
        version=template.version,
        category=template.category,
        tier=template.tier,
        niches=sorted(template.niches),
        platforms=sorted(template.platforms) if template.platforms else None,
        title=template.title,
        prompt=template.prompt,
        negative_prompt=template.negative_prompt,
        scene=template.scene,
        framing=template.framing,
        orientation=template.orientation,
        width=template.width,
        height=template.height,
    )
