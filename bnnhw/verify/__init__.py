"""Formal proofs of the stream contracts."""
