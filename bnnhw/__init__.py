"""Compiler from trained binarized neural networks to FPGA accelerators."""
