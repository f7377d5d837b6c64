"""Sizes and times against a peer or a limit in the same run: ``python -m tests.bench``. Nothing here fails a build."""
