"""Consumes `content.hooked` and `review.approved`, judges, publishes `content.moderated`."""
