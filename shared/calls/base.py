"""What all calls share."""

from shared.content import SubjectToken, Value


class Asked(Value):
    """A request on behalf of a tenant."""

    tenant: SubjectToken


class Nothing(Value):
    """A request or reply without content."""
