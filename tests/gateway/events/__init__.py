"""The event door: the gateway's steps on a real broker, over a backend in memory."""
