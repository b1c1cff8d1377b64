"""The shared package without a pipeline around it."""
