"""Retries as a share of all calls, so that an outage does not multiply the load on a provider."""

SHARE = 0.2
RESERVE = 10.0


class RetryBudget:
    """Every first call earns `share` of a retry, at most `reserve` retries are saved up.

    The idea of Finagle's retry budgets: while most calls succeed all failures are tried again;
    while most fail, traffic grows by the share and not by the number of retries.
    """

    def __init__(self, *, share: float = SHARE, reserve: float = RESERVE) -> None:
        self._share = share
        self._reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """A first call is made."""
        self._saved = min(self._reserve, self._saved + self._share)

    def spend(self) -> bool:
        """Leave for one retry, or False: there have been too many."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
