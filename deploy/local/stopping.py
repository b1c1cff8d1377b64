"""Stop what runs over a data directory, and delete the directory."""

import asyncio
import shutil
import signal

from deploy.local.errors import CannotRun
from deploy.local.leftovers import stop_leftovers
from deploy.local.lock import AlreadyRunning, DirectoryLock
from deploy.local.paths import DataDirectory

# Door, other services, broker and database each have 20 s; more means that it hangs.
PATIENCE_S = 90.0


async def bring_down(data: DataDirectory) -> str:
    """Stop the supervisor of `data` and all it started; say what was done."""
    if not data.exists():
        return f"nothing runs: {data.root} does not exist or is no data directory"
    lock = DirectoryLock(data.lock_file)
    holder = lock.holder()
    if holder is None:
        with lock:
            left = await stop_leftovers(data.running_file)
            data.endpoint_file.unlink(missing_ok=True)
        return f"stopped what a crash had left: {', '.join(left)}" if left else "nothing runs"
    holder.send(signal.SIGTERM)
    if await holder.ended(PATIENCE_S):
        return f"stopped (supervisor {holder.pid})"
    holder.send(signal.SIGKILL)
    await holder.ended(PATIENCE_S)
    with lock:
        await stop_leftovers(data.running_file)
        data.endpoint_file.unlink(missing_ok=True)
    return f"killed: supervisor {holder.pid} did not stop within {PATIENCE_S:g} s"


async def reset(data: DataDirectory) -> str:
    """Delete the data directory; raises CannotRun while something runs over it."""
    if not data.root.exists():
        return f"nothing to delete: {data.root} does not exist"
    if not data.exists():
        raise CannotRun(f"{data.root} is no data directory of Atelier; it is left alone")
    lock = DirectoryLock(data.lock_file)
    try:
        lock.acquire()
    except AlreadyRunning as exc:
        raise CannotRun(f"not deleted: {exc}") from exc
    try:
        await stop_leftovers(data.running_file)
        await asyncio.to_thread(shutil.rmtree, data.root)
    finally:
        lock.release()
    return f"deleted {data.root}"
