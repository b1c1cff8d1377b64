"""The image worker on Modal's GPUs."""
