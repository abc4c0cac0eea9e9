"""Passes that turn floating-point tails into integer thresholds, one a file."""
