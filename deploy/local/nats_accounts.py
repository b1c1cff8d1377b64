"""Users of the embedded broker as its configuration: an account for each, and its permissions.

Permissions alone do not hold: the server lets everybody choose where an answer shall go, and an
empty answer that goes to `$JS.API.STREAM.DELETE.<stream>` deletes the stream. An answer that
crosses accounts ends in the account of who asked, and reaches nothing but what that imports.

https://docs.nats.io/running-a-nats-service/configuration/securing_nats/accounts
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from shared.permissions import OPERATOR, Permissions

HOME = "ATELIER"
NOBODY = "NOBODY"
# A pull request ends after half a minute, and says so.
MANY_ANSWERS = ', response_type: stream, response_threshold: "1m"'


@dataclass(frozen=True, slots=True)
class NatsUser:
    """A user as the broker knows it: by the public half of its key."""

    name: str
    public_key: str
    permissions: Permissions

    @property
    def account(self) -> str:
        """Where it lives: operators beside the streams, everybody else alone."""
        return HOME if self.name == OPERATOR else self.name.upper()


def rendered(users: Sequence[NatsUser]) -> Iterator[str]:
    """The users as lines of the server's configuration."""
    guests = [user for user in users if user.account != HOME]
    yield "accounts {"
    yield f'  {NOBODY} {{ exports: [ {{ service: "nobody" }} ] }}'
    for user in users:
        at_home = user.account == HOME
        yield f"  {user.account} {{"
        if at_home:
            yield "    jetstream: enabled"
        yield from _user(user)
        exports = (
            _of_the_broker(guests) if at_home else _calls(user, guests),
            _facts(user, guests),
        )
        yield from _list("exports", chain.from_iterable(exports))
        if not at_home:
            yield from _list("imports", _imports(user, users))
        yield "  }"
    yield "}"


def _user(user: NatsUser) -> Iterator[str]:
    may = user.permissions
    yield f"    users: [ {{ nkey: {user.public_key}, permissions {{"
    yield f"      publish: {{ allow: [{_quoted(may.publish)}] }}"
    yield f"      subscribe: {{ allow: [{_quoted(may.subscribe)}] }}"
    if may.answers:
        yield "      allow_responses: true"
    yield "    } } ]"


def _of_the_broker(guests: Sequence[NatsUser]) -> Iterator[str]:
    for subject, accounts in _wanted(guests, lambda may: may.sends).items():
        yield f'{{ service: "{subject}", accounts: [{accounts}] }}'
    for subject, accounts in _wanted(guests, lambda may: may.pulls).items():
        yield f'{{ service: "{subject}", accounts: [{accounts}]{MANY_ANSWERS} }}'


def _calls(user: NatsUser, guests: Sequence[NatsUser]) -> Iterator[str]:
    for subject, accounts in _wanted(guests, lambda may: may.asks).items():
        if subject in user.permissions.answers:
            yield f'{{ service: "{subject}", accounts: [{accounts}] }}'


def _facts(user: NatsUser, guests: Sequence[NatsUser]) -> Iterator[str]:
    # From where they are written: what came into an account by a service is not passed on.
    for subject, accounts in _wanted(guests, lambda may: may.hears).items():
        if _writes(user, subject):
            yield f'{{ stream: "{subject}", accounts: [{accounts}] }}'


def _imports(user: NatsUser, users: Sequence[NatsUser]) -> Iterator[str]:
    may = user.permissions
    # An account without JetStream says so to every request to its API, before the import of a part
    # of that is heard. It is quiet where somebody else is to answer for the whole.
    yield f'{{ service: {{ account: {NOBODY}, subject: "nobody" }}, to: "$JS.API.>" }}'
    answering = {subject: each.account for each in users for subject in each.permissions.answers}
    for subject in (*may.sends, *may.pulls, *may.asks):
        account = answering.get(subject, HOME)
        yield f'{{ service: {{ account: {account}, subject: "{subject}" }} }}'
    for subject in may.hears:
        for writer in users:
            if _writes(writer, subject):
                yield f'{{ stream: {{ account: {writer.account}, subject: "{subject}" }} }}'


def _writes(user: NatsUser, heard: str) -> bool:
    """Whether the user may write all that is heard on a subject."""
    sent = (subject for subject in user.permissions.sends if subject.endswith(".>"))
    return any(heard.startswith(subject.removesuffix(">")) for subject in sent)


def _wanted(
    guests: Sequence[NatsUser], part: Callable[[Permissions], tuple[str, ...]]
) -> Mapping[str, str]:
    """The accounts that want each subject."""
    accounts: defaultdict[str, list[str]] = defaultdict(list)
    for guest in guests:
        for subject in part(guest.permissions):
            accounts[subject].append(guest.account)
    return {subject: ", ".join(names) for subject, names in accounts.items()}


def _list(name: str, entries: Iterable[str]) -> Iterator[str]:
    yield f"    {name}: ["
    yield from (f"      {entry}" for entry in entries)
    yield "    ]"


def _quoted(subjects: tuple[str, ...]) -> str:
    return ", ".join(f'"{subject}"' for subject in subjects)
