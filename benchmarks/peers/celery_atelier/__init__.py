"""The same work in Celery and Redis, as somebody at home in Celery would write it.

The same steps, each with a worker of its own; the same tables, rows and files; the same decisions,
by calling the services' own functions for them. Tasks are acknowledged late, lost workers' tasks
come back, what fails for the moment is tried again. What Celery does not give is not built on top:
no outbox, no fact that is written once, no hand-over of a payment under way.
"""
