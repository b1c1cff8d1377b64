"""Places where a process can be made to die, so that tests see what survives.

Off unless `ATELIER_FAILPOINT` names a place and `ATELIER_FAILPOINT_MARK` a file: the first process
that reaches the place makes the file and kills itself. The file keeps the next ones alive.
"""

import os
import signal
from pathlib import Path

PLACE = "ATELIER_FAILPOINT"
MARK = "ATELIER_FAILPOINT_MARK"


def reach(place: str) -> None:
    """Die here, as by `kill -9`, if this is the place that was chosen and nobody died yet."""
    if os.environ.get(PLACE) != place:
        return
    try:
        Path(os.environ[MARK]).open("x").close()
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
