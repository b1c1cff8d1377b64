"""What else could do the work, each written as well as we can."""
