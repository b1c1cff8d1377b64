"""What a handler may raise. Each exception says what to do next, not what went wrong inside."""


class TryLater(Exception):
    """Nothing is wrong with the piece; come back after `after` seconds, or by backoff if None."""

    def __init__(self, detail: str, *, after: float | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.after_s = after


class GiveUp(Exception):
    """Nobody can finish this piece. `reason` is a stable code, `detail` is for people."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class BadInput(Exception):
    """The message itself is wrong and stays wrong; it becomes a dead letter with `reason`."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
