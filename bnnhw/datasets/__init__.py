"""Data sets: raw samples and labels as NumPy arrays; named ones, and files and folders of one's own."""

from bnnhw.datasets.dataset import Dataset, Split
from bnnhw.datasets.own import read_sample
from bnnhw.datasets.reading import Reading
from bnnhw.datasets.registry import KNOWN, Availability, available, is_path, load, load_split, read_split, suggest

__all__ = [
    "KNOWN",
    "Availability",
    "Dataset",
    "Reading",
    "Split",
    "available",
    "is_path",
    "load",
    "load_split",
    "read_sample",
    "read_split",
    "suggest",
]
