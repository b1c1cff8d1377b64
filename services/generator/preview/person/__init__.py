"""The person in the picture, from features to clothes."""
