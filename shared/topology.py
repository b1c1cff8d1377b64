"""Where every fact lives and who waits for it: streams, subjects and durable consumers.

Names speak of facts, never of services: the consumer `content-hooked` of the stream
`IMAGE_GENERATED` is the step that turns the one into the other, whoever runs it.
"""

from dataclasses import dataclass, field

from shared.content import Lane
from shared.events import (
    FACTS,
    AttemptSettled,
    AvatarReady,
    ContentFailed,
    ContentHalted,
    ContentHooked,
    ContentModerated,
    ContentPersisted,
    ContentRejected,
    ContentRequested,
    ContentStored,
    DeliveryWithdrawn,
    Fact,
    ImageGenerated,
    ReviewApproved,
    TaskRequested,
)

DEAD_LETTER = "dead.letter"


@dataclass(frozen=True, slots=True)
class Step:
    """A durable consumer: the fact it takes, and the facts that prove it has finished.

    Units: seconds. `ack_wait_s` is how long the broker waits for a sign of life before it hands
    a message to somebody else; the runtime gives one every third of it. `bounded` steps may end
    a piece by `content.halted`; the others record what has happened and therefore never give up.
    """

    durable: str
    consumes: type[Fact]
    produces: tuple[type[Fact], ...] = ()
    lane: Lane | None = None
    ack_wait_s: float = 12.0
    handle_limit_s: float = 60.0
    bounded: bool = False


# No receipt is looked for: a refusal may be followed by the same request, better filled in.
TAKE_ORDER = Step("task-accepted", TaskRequested)
HAND_OVER = Step("avatar-handed-over", AvatarReady)
GENERATE_INTERACTIVE = Step(
    "image-generated-interactive",
    ContentRequested,
    (ImageGenerated, ContentHalted),
    lane=Lane.INTERACTIVE,
    handle_limit_s=900,
    bounded=True,
)
GENERATE_BULK = Step(
    "image-generated-bulk",
    ContentRequested,
    (ImageGenerated, ContentHalted),
    lane=Lane.BULK,
    handle_limit_s=900,
    bounded=True,
)
WRITE_HOOKS = Step("content-hooked", ImageGenerated, (ContentHooked, ContentHalted), bounded=True)
MODERATE = Step("content-moderated", ContentHooked, (ContentModerated, ContentHalted), bounded=True)
SIGN_APPROVAL = Step(
    "review-moderated", ReviewApproved, (ContentModerated, ContentHalted), bounded=True
)
STORE = Step("content-stored", ContentModerated, (ContentStored, ContentHalted), bounded=True)
PERSIST = Step("piece-persisted", ContentStored)
END_HALTED = Step("piece-halted", ContentHalted)
RECORD_ATTEMPT = Step("attempt-recorded", AttemptSettled)
NOTE_GENERATED = Step("progress-generated", ImageGenerated)
NOTE_HOOKED = Step("progress-hooked", ContentHooked)
NOTE_MODERATED = Step("progress-moderated", ContentModerated)
CLEAR_PERSISTED = Step("cleared-persisted", ContentPersisted)
CLEAR_REJECTED = Step("cleared-rejected", ContentRejected)
CLEAR_FAILED = Step("cleared-failed", ContentFailed)
WITHDRAW = Step("withdrawn", DeliveryWithdrawn)

STEPS: tuple[Step, ...] = (
    TAKE_ORDER,
    HAND_OVER,
    GENERATE_INTERACTIVE,
    GENERATE_BULK,
    WRITE_HOOKS,
    MODERATE,
    SIGN_APPROVAL,
    STORE,
    PERSIST,
    END_HALTED,
    RECORD_ATTEMPT,
    NOTE_GENERATED,
    NOTE_HOOKED,
    NOTE_MODERATED,
    CLEAR_PERSISTED,
    CLEAR_REJECTED,
    CLEAR_FAILED,
    WITHDRAW,
)


@dataclass(frozen=True, slots=True)
class Topology:
    """Names on the broker. A `namespace` lets several installations share one server."""

    namespace: str = ""
    facts: tuple[type[Fact], ...] = field(default=FACTS)
    steps: tuple[Step, ...] = field(default=STEPS)

    def stream(self, fact: type[Fact]) -> str:
        """Name of the stream that keeps this kind of fact, for example `IMAGE_GENERATED`."""
        return self._stream_name(fact.NAME)

    def subject(self, fact: Fact) -> str:
        """The one subject this fact can be written to."""
        return self._address(fact.NAME, *fact.subject_tokens)

    def subject_of(self, fact: type[Fact], tokens: tuple[str, ...]) -> str:
        """The subject of a fact of another kind with the same tokens."""
        return self._address(fact.NAME, *tokens)

    def tokens(self, fact: type[Fact], subject: str) -> tuple[str, ...]:
        """What follows the name of the fact in one of its subjects."""
        return tuple(subject.removeprefix(self._address(fact.NAME, "")).split("."))

    def subjects(self, fact: type[Fact]) -> str:
        """The wildcard that covers every fact of this kind."""
        return self._address(fact.NAME, ">")

    def filter_subject(self, step: Step) -> str:
        """What a step's consumer selects from its stream."""
        if step.lane is None:
            return self.subjects(step.consumes)
        return self._address(step.consumes.NAME, step.lane.value, ">")

    def rpc(self, name: str) -> str:
        """The subject on which a call is answered."""
        return self._address("rpc", name)

    @property
    def dead_letter_stream(self) -> str:
        """Name of the stream that keeps what could not be read."""
        return self._stream_name(DEAD_LETTER)

    def dead_letter_subject(self, *tokens: str) -> str:
        """Where a dead letter is written: the consumer, the sequence in its stream, the hash."""
        return self._address(DEAD_LETTER, *tokens)

    def bucket(self, purpose: str) -> str:
        """Name of an object bucket on the broker, for example `staging`."""
        return f"{self.namespace}-{purpose}" if self.namespace else purpose

    def _address(self, *tokens: str) -> str:
        return ".".join((self.namespace, *tokens) if self.namespace else tokens)

    def _stream_name(self, fact_name: str) -> str:
        name = fact_name.replace(".", "_").upper()
        return f"{self.namespace.upper()}_{name}" if self.namespace else name
