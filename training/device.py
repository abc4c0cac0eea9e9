"""Where a training runs, and arithmetic that a seed decides alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bnnhw.errors import RequestError

__all__ = ["MAX_SEED", "choose_device", "deterministic", "generator_of"]

MAX_SEED = 2**63 - 1
"""Greatest seed that PyTorch's generator takes."""


def generator_of(seed: int) -> torch.Generator:
    """A generator on the CPU. Raises :class:`~bnnhw.errors.RequestError` for a seed that it does not take."""
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"seed must be in 0..{MAX_SEED}, not {seed}")
    return torch.Generator().manual_seed(seed)


def choose_device(name: str) -> torch.device:
    """The device called ``"cpu"`` or ``"cuda"``; ``"auto"`` is CUDA where there is one.

    Raises
    ------
    RequestError
        An unknown name, or CUDA where there is none.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise RequestError(f"device must be auto, cpu or cuda, not {name!r}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise RequestError("device must be auto or cpu: PyTorch finds no CUDA device")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


@contextmanager
def deterministic() -> Iterator[None]:
    """Arithmetic that a seed decides alone: one thread on the CPU, deterministic kernels on a GPU.

    One thread, because sums split over threads round differently for each number of them; on the small
    networks here it is no slower.
    """
    threads, was = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    # cuBLAS is deterministic only with this workspace, read when CUDA starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(was)
