"""From a link to checked weights: fetched, kept, read, and nothing trusted on the way."""
