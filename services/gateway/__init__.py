"""The front door: takes REST requests, asks the other services, waits for `task.completed`."""
