"""Where the images of predictions may be fetched from."""

from urllib.parse import urlsplit

from services.generator.domain.failures import ProviderFailure


def image_url(output: object, *, hosts: tuple[str, ...], base_url: str) -> str:
    """The address of a prediction's first image. Raises ProviderFailure where it is none of ours.

    Allowed are HTTPS at one of `hosts` or below it, and the API's own origin, which somebody here
    has set. No address of a private network is among those: names only, and a server that cannot
    show their certificate is not talked to.
    """
    url = output[0] if isinstance(output, list) and output else output
    if not isinstance(url, str) or not url:
        raise ProviderFailure("BAD_RESPONSE", "a prediction without an image")
    try:
        if _is_allowed(url, hosts) or _origin(url) == _origin(base_url):
            return url
    except ValueError:
        pass
    raise ProviderFailure("BAD_RESPONSE", "its image lies where nothing is fetched from")


def _is_allowed(url: str, hosts: tuple[str, ...]) -> bool:
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    return (
        parts.scheme == "https"
        and parts.port in {None, 443}
        and "@" not in parts.netloc
        and any(host == one or host.endswith(f".{one}") for one in hosts)
    )


def _origin(url: str) -> tuple[str, str]:
    # With user and port, as it is written: whatever differs is somewhere else.
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
