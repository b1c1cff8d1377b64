"""Bytes from a stranger's link: only from allowed places, bounded, whole."""
