"""The meaning of a network in NumPy: integers for streamlined ones, float64 for trained ones."""

from bnnhw.reference.evaluate import Accuracy, Progress, Scores, accuracy, evaluate, trace
from bnnhw.reference.trained import TrainedScores, evaluate_trained

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
