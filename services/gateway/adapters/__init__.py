"""What the gateway reads and calls, one vendor or file per module."""
