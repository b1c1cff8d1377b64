"""One service alone: its own process on a real broker, with neighbours that answer at once."""
