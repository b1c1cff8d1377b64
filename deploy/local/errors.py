"""What all expected failures of the embedded mode have in common."""


class CannotRun(Exception):
    """The embedded mode cannot go on; the message says why and what to do next."""
