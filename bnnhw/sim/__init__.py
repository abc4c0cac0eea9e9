"""Whole-network simulation in Verilator."""
