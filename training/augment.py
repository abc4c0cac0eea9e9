"""Augmentation on tensors."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["random_mirror", "random_shift"]


def random_mirror(x: Tensor, generator: torch.Generator) -> Tensor:
    """Each map turned left to right, or not, as likely.

    Parameters
    ----------
    x : tensor (frames, channels, height, width)
    generator : torch.Generator
        On the CPU.
    """
    turned = torch.randint(2, (len(x), 1, 1, 1), generator=generator).to(x.device)
    return torch.where(turned == 1, x.flip(3), x)


def random_shift(x: Tensor, reach: tuple[int, int], generator: torch.Generator, fill: float = 0.0) -> Tensor:
    """Each map moved by up to ``reach`` elements, every distance as likely; what comes in holds ``fill``.

    Parameters
    ----------
    x : tensor (frames, channels, height, width)
    reach : (int, int)
        Vertical, horizontal, in both directions.
    generator : torch.Generator
        On the CPU.
    fill : float
    """
    down, right = reach
    frames, channels, height, width = x.shape
    padded = nn.functional.pad(x, (right, right, down, down), value=fill)
    starts = [torch.randint(2 * r + 1, (frames, 1), generator=generator).to(x.device) for r in (down, right)]
    rows, columns = (start + torch.arange(n, device=x.device) for start, n in zip(starts, (height, width), strict=True))
    frame = torch.arange(frames, device=x.device).reshape(-1, 1, 1, 1)
    channel = torch.arange(channels, device=x.device).reshape(1, -1, 1, 1)
    return padded[frame, channel, rows[:, None, :, None], columns[:, None, None, :]]
