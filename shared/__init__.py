"""Contracts every service agrees on, and the runtime that carries a piece from step to step."""
