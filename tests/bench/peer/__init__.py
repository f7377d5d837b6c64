"""Morango 0.8 beside us: a small Django project of its own that keeps the same rows, in an environment of its own."""
