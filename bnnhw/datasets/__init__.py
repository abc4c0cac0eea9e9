"""Data sets: raw samples and labels as NumPy arrays, checked against their published checksums."""

from bnnhw.datasets.dataset import Dataset
from bnnhw.datasets.registry import KNOWN, Availability, available, load, load_split

__all__ = ["KNOWN", "Availability", "Dataset", "available", "load", "load_split"]
