"""What safety answers and does."""
