"""The independent auditor of Atelier: it knows the product from outside only.

It reads what a client, a provider and an anonymous reader noted during a run, the broker's raw
messages, Postgres by plain SQL and the object directory, and says whether I1–I6 were kept:

I1 every accepted piece ends once, by its deadline, or waits visibly for review
I2 every success of a provider has one row of cost, and a piece is billed at most once
I3 no byte without an allowing verdict can be read by the public, ever
I4 no orphan is left: no file, row or staged image without its counterpart
I5 delivered files are signed copies of the judged bytes, and show the same picture
I6 the same idempotency key is the same task

Nothing of `services`, `shared`, `deploy` or `cli` is imported here; a test sees to that.
"""

from tests.audit.judging import judge
from tests.audit.report import Finding, Report, Violation
from tests.audit.servers import CannotJudge, Servers
from tests.audit.world import Grace, World

__all__ = ["CannotJudge", "Finding", "Grace", "Report", "Servers", "Violation", "World", "judge"]
