"""Vector kernels: popcounts of packed bits, compiled; the same numbers as the references, sooner."""

from bnnhw.reference.fast.evaluate import accuracy, evaluate, evaluate_trained, trace
from bnnhw.reference.fast.kernels import Packed, kernels_for

__all__ = ["Packed", "accuracy", "evaluate", "evaluate_trained", "kernels_for", "trace"]
