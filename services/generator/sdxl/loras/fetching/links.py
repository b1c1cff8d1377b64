"""A link to weights: where it may lead, and which file it is about. The link itself is a secret."""

import hashlib
from dataclasses import dataclass, field
from ipaddress import ip_address

import httpx2

from services.generator.sdxl.loras.fetching.public_addresses import is_loopback
from services.generator.sdxl.loras.refusals import shown, unreachable

_LONGEST = 8192
_LAST_PORT = 65535

_SIGNING = frozenset(
    {
        # S3's older form, CloudFront and Google's older form
        *("awsaccesskeyid", "expires", "signature", "policy", "key-pair-id", "googleaccessid"),
        # Atelier's own local store
        "review",
    }
)
_AZURE = frozenset(
    {
        *("sv", "ss", "srt", "sp", "st", "se", "sr", "spr", "sig"),
        *("skoid", "sktid", "skt", "ske", "sks", "skv"),
    }
)
_SIGNING_PREFIXES = ("x-amz-", "x-goog-")


@dataclass(frozen=True, slots=True)
class Reach:
    """Where links may lead: HTTPS at `hosts`, each a name or `*.` and a name.

    `loopback` allows this machine as well, by HTTP too: for the embedded store and for tests.
    """

    hosts: tuple[str, ...]
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """`identity` is the same for all links to one file; `whole` for equal links only."""

    url: httpx2.URL = field(repr=False)
    host: str
    identity: str
    whole: str = field(repr=False)


def read_link(text: str | httpx2.URL, reach: Reach) -> Link:
    """A link that may be followed. Raises NoPicture (LORA_DOWNLOAD_FAILED)."""
    if len(str(text)) > _LONGEST:
        raise unreachable(f"The link is longer than {_LONGEST} characters.")
    try:
        url = httpx2.URL(text)
        host = url.raw_host.decode("ascii").lower()
        port = url.port
    except (httpx2.InvalidURL, TypeError, UnicodeError, ValueError):
        # What was wrong with it would repeat it.
        raise unreachable("The link is no URL.") from None
    if url.userinfo or not host or not 0 < (443 if port is None else port) <= _LAST_PORT:
        raise unreachable("The link holds user info, no host or an impossible port.")
    _check_reach(url.scheme, host, reach)
    return Link(url, host, _identity(url, host, port), _digest(str(url)))


def names_this_machine(host: str) -> bool:
    """Whether a host, as it is written, is this machine: no name that anybody could own."""
    return host == "localhost" or is_loopback(host)


def _check_reach(scheme: str, host: str, reach: Reach) -> None:
    if reach.loopback and names_this_machine(host):
        if scheme in {"http", "https"}:
            return
        raise unreachable("The link is neither HTTPS nor HTTP.")
    if scheme != "https":
        raise unreachable("The link is not HTTPS.")
    if not any(_is_within(host, allowed.lower()) for allowed in reach.hosts):
        raise unreachable(f"Weights are not fetched from {shown(host)}: it is not allowed here.")


def _is_within(host: str, allowed: str) -> bool:
    if not allowed.startswith("*."):
        return host == allowed
    # An address has no domain above it.
    return host.endswith(allowed[1:]) and not _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _identity(url: httpx2.URL, host: str, port: int | None) -> str:
    """What a link is about, without what only signs it.

    A parameter that is not known to sign may choose the file: it belongs to the identity. Where it
    does sign, a file is merely fetched again.
    """
    pairs = url.params.multi_items()
    # Azure's names are so short that they mean it only together.
    signing = _SIGNING | _AZURE if "sig" in url.params else _SIGNING
    about = [pair for pair in pairs if not _is_one_of(pair[0].lower(), signing)]
    return _digest(repr((url.scheme, host, port, url.raw_path.partition(b"?")[0], about)))


def _is_one_of(name: str, signing: frozenset[str]) -> bool:
    return name in signing or name.startswith(_SIGNING_PREFIXES)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
