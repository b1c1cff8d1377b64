"""The Celery application: how tasks travel, and how hard they are tried."""

import os

import psycopg  # type: ignore[import-not-found]
from celery import Celery  # type: ignore[import-not-found]

STEPS = ("generate", "caption", "moderate", "store", "persist")

RETRIED = {
    "autoretry_for": (psycopg.OperationalError, ConnectionError, TimeoutError),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 8,
}
"""What may pass is tried again, after longer and longer waits."""

app = Celery(
    "atelier",
    broker=os.environ["BENCH_REDIS_URL"],
    include=["benchmarks.peers.celery_atelier.tasks"],
)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,  # what came of it is in the database
    task_routes={f"atelier.{step}": {"queue": step} for step in STEPS},
    worker_prefetch_multiplier=1,
    broker_transport_options={"visibility_timeout": 900},
    broker_connection_retry_on_startup=True,
    worker_send_task_events=False,
    # Each task then runs where it is asked for: the work without a queue.
    task_always_eager="BENCH_WITHOUT_QUEUE" in os.environ,
    task_eager_propagates=True,
)
