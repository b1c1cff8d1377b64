"""I3: no byte without an allowing verdict can be read by the public, ever.

A verdict is the fact content.moderated; it allows its image from the moment the broker has it.
What is delivered is a copy that was drawn and signed anew: it is allowed from the moment at which
the judged bytes are that it derives from, by what storage told or by its own credentials. A
thumbnail shares the fate of its piece.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.audit import reviews
from tests.audit.evidence import Probe
from tests.audit.objects import ObjectFile
from tests.audit.report import Violation
from tests.audit.world import ALLOWING, RunFact, World

NAME = "I3"
CLAIM = "no byte without an allowing verdict can be read by the public, ever"

PUBLIC_TIERS = frozenset({"capa1"})
"""What anybody may read unless the installation says otherwise (`PUBLIC_TIERS`)."""
OBJECTS = "/objects/"
THUMBNAIL = "_thumb.jpg"


@dataclass(frozen=True, slots=True)
class Allowed:
    """From when on, in seconds since 1970, which bytes and which pieces may be seen by all.

    `images` are those that were judged, `copies` what was delivered of them.
    """

    images: Mapping[str, float]
    copies: Mapping[str, float]
    pieces: Mapping[str, float]
    delivered: Mapping[str, float]
    """As `pieces`, but also those that only holders of a link may see."""


def checked(world: World) -> int:
    """Probes that were answered with bytes, delivered files, and deliveries."""
    readable = sum(probe.status == 200 for probe in world.evidence.probes)
    return readable + len(world.objects) + len(_stored(world))


def violations(world: World) -> list[Violation]:
    """Every breach."""
    allowed = allowed_in(world)
    return [
        *(each for probe in world.evidence.probes for each in _probe(world, allowed, probe)),
        *(each for file in world.objects for each in _file(world, allowed, file)),
        *(each for fact in _stored(world) for each in _delivery(world, fact)),
        *(each for probe in world.evidence.probes for each in _taken_down(world, probe)),
        *reviews.violations(world),
    ]


def allowed_in(world: World) -> Allowed:
    """What the verdicts allow. Where facts were lost, the books speak for them."""
    images: dict[str, float] = {}
    pieces: dict[str, float] = {}
    delivered: dict[str, float] = {}
    for sha256, piece_id, is_public, at in _allowances(world):
        delivered[piece_id] = min(at, delivered.get(piece_id, math.inf))
        if is_public:
            pieces[piece_id] = min(at, pieces.get(piece_id, math.inf))
            images[sha256] = min(at, images.get(sha256, math.inf))
    return Allowed(images, _copies(world, images), pieces, delivered)


def _copies(world: World, images: Mapping[str, float]) -> Mapping[str, float]:
    told = [fact.part("delivery") for fact in _stored(world)]
    sources = [(each.get("image_sha256"), each.get("source_sha256")) for each in told]
    if world.facts_lost:
        sources += [(row.image_sha256, row.source_sha256) for row in world.books.contents]
    signed = [(file.sha256, _signed_source(file)) for file in world.objects]
    return {
        str(copy): images[str(source)]
        for copy, source in (*sources, *signed)
        if source is not None and source in images
    }


def _signed_source(file: ObjectFile) -> str | None:
    """The judged bytes that a file says it is of, if it can be believed."""
    told = file.picture.credentials
    if told is None or not told.intact or told.piece_id != piece_in(file.key):
        return None
    return told.source_sha256


def _allowances(world: World) -> Iterator[tuple[str, str, bool, float]]:
    for fact in world.run_facts:
        if fact.fact == "content.moderated":
            verdict, brief = fact.part("verdict"), fact.part("brief")
            if verdict.get("decision") in ALLOWING:
                is_public = verdict.get("tier") in PUBLIC_TIERS and brief.get("upload_to_storage")
                yield str(verdict.get("image_sha256")), fact.piece_id, bool(is_public), fact.at
    if world.facts_lost:
        for content in world.books.contents:
            if content.verdict_decision in ALLOWING:
                is_public = content.public and content.tier in PUBLIC_TIERS
                yield content.verdict_sha256, content.content_id, is_public, -math.inf


def _breach(code: str, subject: str, detail: str) -> Violation:
    return Violation(NAME, code, subject, detail)


def _probe(world: World, allowed: Allowed, probe: Probe) -> Iterator[Violation]:
    if probe.status != 200:
        return
    key = probe.path.partition(OBJECTS)[2].partition("?")[0]
    at = probe.at + world.grace.clocks_s
    sha256 = probe.sha256 or ""
    if min(each.get(sha256, math.inf) for each in (allowed.images, allowed.copies)) <= at:
        return
    is_thumbnail = key.startswith("content/") and key.endswith(THUMBNAIL)
    known = world.shas_of.get(key, {probe.sha256})
    if is_thumbnail and allowed.pieces.get(piece_in(key), math.inf) <= at and probe.sha256 in known:
        return
    yield _breach("read_by_anybody", probe.path, f"sha256 {probe.sha256} without a verdict")


def _taken_down(world: World, probe: Probe) -> Iterator[Violation]:
    """What was taken down was read by nobody once there had been time to delete it."""
    content = world.contents.get(piece_in(probe.path.partition("?")[0]))
    if probe.status != 200 or content is None or content.taken_down_at is None:
        return
    if probe.at > content.taken_down_at + world.grace.withdrawal_s:
        late_s = probe.at - content.taken_down_at
        yield _breach("taken_down_read", probe.path, f"{late_s:.0f} s after it was taken down")


def _file(world: World, allowed: Allowed, file: ObjectFile) -> Iterator[Violation]:
    """A file that is served was allowed before it was written."""
    if file.area not in {"public", "private"} or file.is_hidden:
        return
    may_see = allowed.pieces if file.area == "public" else allowed.delivered
    written_at = file.changed_at + world.grace.clocks_s
    since = may_see.get(piece_in(file.key), math.inf)
    if since > written_at:
        why = "before its verdict" if since < math.inf else "without a verdict"
        yield _breach("unmoderated_file", f"{file.area}/{file.key}", f"written {why}")
        return
    is_image = not file.key.endswith(THUMBNAIL)
    judged = {file.sha256, _signed_source(file)}
    if file.area == "public" and is_image and judged.isdisjoint(allowed.images):
        yield _breach("unmoderated_bytes", f"public/{file.key}", "nobody judged these bytes")


def _stored(world: World) -> list[RunFact]:
    return [fact for fact in world.run_facts if fact.fact == "content.stored"]


def _delivery(world: World, fact: RunFact) -> Iterator[Violation]:
    """What storage says that it did was allowed."""
    verdict, delivery = fact.part("verdict"), fact.part("delivery")
    decision, tier = verdict.get("decision"), verdict.get("tier")
    if not delivery.get("held") and decision not in ALLOWING:
        yield _breach("delivered_unallowed", fact.place, f"the verdict is {decision}")
    if delivery.get("public") and tier not in PUBLIC_TIERS:
        yield _breach("tier_exposed", fact.place, f"{tier} was made public")
    judged_at = [
        other.at
        for other in world.facts_of[fact.piece_id]
        if other.fact == "content.moderated" and other.run == fact.run
    ]
    if not world.facts_lost and not any(at <= fact.at for at in judged_at):
        yield _breach("stored_unjudged", fact.place, "no verdict came before")


def piece_in(key: str) -> str:
    """The piece in the name of an object, `content/<avatar>/<piece>_<token>…`."""
    return key.rpartition("/")[2].partition("_")[0]
