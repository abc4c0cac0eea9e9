"""Compiled models go where those of the command line's tests go."""

from tests.cli.conftest import own_cache

__all__ = ["own_cache"]
