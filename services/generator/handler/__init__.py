"""Having images made, and saying how the providers are."""
