"""What a file must be before its numbers come near a model."""
