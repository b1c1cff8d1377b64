"""When two images look the same, judged by their perceptual prints of 64 bits."""

LIKE_BITS = 6
"""Prints that differ in no more bits belong to images that look the same.

Scaling and compressing an image anew changes few bits of its print; ten or fewer is the usual
threshold for difference hashes (Krawetz, https://www.hackerfactor.com/blog/?/archives/529). Six is
stricter, since a false match refuses a piece: two random prints are that near with probability
4.5e-12, the share of the 64-bit words within that distance.
"""

MOST_COMPARED = 2000
"""Earlier pieces of an avatar that a new one is compared with, the latest of them."""
