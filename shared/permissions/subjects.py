"""What a user may publish and subscribe to, as the subjects of NATS."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.blobs import blob_stream, blob_subjects
from shared.events import ContentRequested, Fact
from shared.permissions.roles import (
    ASKED_BY_OTHERS,
    DEAD_LETTER_BODIES,
    FOLLOWED,
    OPERATOR,
    OUTSIDE,
    REPLAYED,
    STAGING,
    Role,
)
from shared.topology import Step, Topology


@dataclass(frozen=True, slots=True)
class Permissions:
    """Subjects that a user may publish to and subscribe to, by what they are for.

    `sends`: facts, bytes, acknowledgements, and questions to the broker with one answer each;
    `pulls`: questions to the broker that many messages answer; `asks` and `answers`: calls;
    `hears`: facts as they are written. Who answers may also publish to where the asker waits.
    """

    inbox: str
    sends: tuple[str, ...]
    pulls: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    hears: tuple[str, ...] = ()

    @property
    def publish(self) -> tuple[str, ...]:
        """Everything that may be published to."""
        return (*self.sends, *self.pulls, *self.asks)

    @property
    def subscribe(self) -> tuple[str, ...]:
        """Everything that may be subscribed to."""
        return (f"{self.inbox}.>", *self.answers, *self.hears)


def inbox_of(user: str) -> str:
    """The prefix of a user's own inboxes, where answers come to."""
    return f"_INBOX_{user}"


def permissions_of(role: Role, names: Topology) -> Permissions:
    """What a service may do."""
    return Permissions(
        inbox_of(role.name),
        sends=tuple(dict.fromkeys(_sent_by(role, names))),
        pulls=tuple(_next_of(step, names) for step in role.carries),
        asks=tuple(names.rpc(call.name) for call in role.asks),
        answers=tuple(names.rpc(call.name) for call in role.answers),
        hears=tuple(names.subjects(fact) for fact in role.hears),
    )


def operator_permissions(names: Topology) -> Permissions:
    """What operators may do: provision, look, and care for dead letters."""
    letters, bodies = names.dead_letter_stream, blob_stream(names.bucket(DEAD_LETTER_BODIES))
    return Permissions(
        inbox_of(OPERATOR),
        sends=(
            "$JS.API.INFO",
            *_provisioning(names),
            *(names.subjects(fact) for fact in REPLAYED),
            f"$JS.API.STREAM.MSG.DELETE.{letters}",
            f"$JS.API.CONSUMER.DELETE.{letters}.*",
            *_clearing(names, DEAD_LETTER_BODIES),
            f"$JS.API.STREAM.MSG.GET.{bodies}",
        ),
        pulls=(f"$JS.API.CONSUMER.MSG.NEXT.{letters}.*",),
    )


def outside_permissions(tenant: str, names: Topology) -> Permissions:
    """What another system may do for one tenant: order, hand over, follow, and catch up.

    No consumers: whoever may make one by name may also change one of ours.
    """
    followed = [_of_tenant(fact, tenant, names) for fact in FOLLOWED]
    return Permissions(
        inbox_of(OUTSIDE),
        sends=(
            *(_of_tenant(fact, tenant, names) for fact in ASKED_BY_OTHERS),
            *(
                f"$JS.API.DIRECT.GET.{names.stream(fact)}.{subject}"
                for fact, subject in zip(FOLLOWED, followed, strict=True)
            ),
        ),
        hears=tuple(followed),
    )


def _sent_by(role: Role, names: Topology) -> Iterator[str]:
    for fact in role.writes:
        yield names.subjects(fact)
    for step in role.carries:
        yield from _acknowledging(names.stream(step.consumes), step.durable)
        yield names.dead_letter_subject(step.durable, ">")
        for fact in step.produces:
            yield f"$JS.API.STREAM.MSG.GET.{names.stream(fact)}"
    for fact in role.looks_up:
        yield f"$JS.API.STREAM.MSG.GET.{names.stream(fact)}"
        yield f"$JS.API.DIRECT.GET.{names.stream(fact)}"
        yield f"$JS.API.DIRECT.GET.{names.stream(fact)}.>"
    for step in (*role.carries, *role.watches):
        yield f"$JS.API.CONSUMER.INFO.{names.stream(step.consumes)}.{step.durable}"
    yield from _sent_to_buckets(role, names)


def _sent_to_buckets(role: Role, names: Topology) -> Iterator[str]:
    # Whoever carries a step may have to keep what it cannot read.
    letters = (DEAD_LETTER_BODIES,) if role.carries else ()
    for bucket in (*role.gets, *role.puts, *role.clears, *letters):
        yield from _getting(names, bucket)
    for bucket in role.clears:
        yield from _clearing(names, bucket)
    for bucket in role.lists:
        yield f"$JS.API.STREAM.INFO.{blob_stream(names.bucket(bucket))}"
    for bucket in (*role.puts, *letters):
        yield blob_subjects(names.bucket(bucket))
    if role.measures:
        buckets = (blob_stream(names.bucket(bucket)) for bucket in role.measures)
        for stream in (*(names.stream(fact) for fact in names.facts), *buckets):
            yield f"$JS.API.STREAM.INFO.{stream}"


def _next_of(step: Step, names: Topology) -> str:
    return f"$JS.API.CONSUMER.MSG.NEXT.{names.stream(step.consumes)}.{step.durable}"


def _acknowledging(stream: str, durable: str) -> Iterator[str]:
    # Before and after servers name their domain and account in it (ADR-15 of NATS).
    yield f"$JS.ACK.{stream}.{durable}.>"
    yield f"$JS.ACK.*.*.{stream}.{durable}.>"


def _getting(names: Topology, bucket: str) -> Iterator[str]:
    stream = blob_stream(names.bucket(bucket))
    yield f"$JS.API.STREAM.MSG.GET.{stream}"
    yield f"$JS.API.DIRECT.GET.{stream}.>"


def _clearing(names: Topology, bucket: str) -> Iterator[str]:
    yield f"$JS.API.STREAM.PURGE.{blob_stream(names.bucket(bucket))}"


def _provisioning(names: Topology) -> Iterator[str]:
    streams = [names.stream(fact) for fact in names.facts]
    buckets = [blob_stream(names.bucket(bucket)) for bucket in (STAGING, DEAD_LETTER_BODIES)]
    yield "$JS.API.STREAM.NAMES"
    yield "$JS.API.STREAM.LIST"
    for stream in (*streams, names.dead_letter_stream, *buckets):
        for verb in ("CREATE", "UPDATE", "INFO", "MSG.GET"):
            yield f"$JS.API.STREAM.{verb}.{stream}"
        yield f"$JS.API.DIRECT.GET.{stream}"
        yield f"$JS.API.DIRECT.GET.{stream}.>"
        yield f"$JS.API.CONSUMER.LIST.{stream}"
        yield f"$JS.API.CONSUMER.NAMES.{stream}"
        for verb in ("CREATE", "DURABLE.CREATE", "INFO"):
            yield f"$JS.API.CONSUMER.{verb}.{stream}.>"


def _of_tenant(fact: type[Fact], tenant: str, names: Topology) -> str:
    lane = ("*",) if fact is ContentRequested else ()
    return names.subject_of(fact, (*lane, tenant, ">"))
