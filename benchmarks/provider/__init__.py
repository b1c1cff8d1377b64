"""A worker that makes images in no time, or in exactly the time it is told."""
