"""Language models that write captions, one vendor per module."""
