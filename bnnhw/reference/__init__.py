"""The meaning of a network in NumPy: integers for streamlined ones, float64 for trained ones.

The oracle is plain: one file per kind of layer, :mod:`~bnnhw.reference.streamlined` and
:mod:`~bnnhw.reference.trained`. The functions here give its numbers, computed by the kernels of
:mod:`bnnhw.reference.fast` where that is faster.
"""

import importlib
import pkgutil

from bnnhw.reference.fast import accuracy, evaluate, evaluate_trained, trace
from bnnhw.reference.streamlined import Accuracy, Progress, Scores
from bnnhw.reference.trained import TrainedScores

__all__ = [
    "Accuracy",
    "Progress",
    "Scores",
    "TrainedScores",
    "accuracy",
    "evaluate",
    "evaluate_trained",
    "trace",
]

# A kind's file registers its reference.
for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
