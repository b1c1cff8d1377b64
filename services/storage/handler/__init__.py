"""Storage's jobs: deliver, clean up, hand out links."""
