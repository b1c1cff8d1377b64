"""The places a picture can be taken in."""
