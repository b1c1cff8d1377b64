"""Where captions come from, one source per module."""
