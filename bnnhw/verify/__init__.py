"""Whole-network simulation in Verilator, and proofs."""
