"""What the numbers and names of a recipe may be. Importing it needs no torch."""

from __future__ import annotations

from bnnhw.errors import RequestError

__all__ = ["MAX_BITS", "MOST", "check_bits", "check_share", "check_sizes", "one_of"]

MOST = 1 << 20
"""Largest size of anything: beyond what any board or memory holds."""

MAX_BITS = 8
"""Widest activation: what a matrix layer takes (:data:`bnnhw.ir.types.MAX_PLANES`)."""


def one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    """Refuse a name that is not one of some. Raises :class:`~bnnhw.errors.RequestError`."""
    if value not in known:
        raise RequestError(f"{what} must be one of {', '.join(known)}, not {value!r}")


def check_bits(value: int) -> None:
    """Refuse an activation of no or of too many bits."""
    if not 1 <= value <= MAX_BITS:
        raise RequestError(f"bits of an activation must be in 1..{MAX_BITS}, not {value!r}")


def check_sizes(name: str, *sizes: int, least: int = 1) -> None:
    """Refuse sizes out of a range."""
    if any(not least <= size <= MOST for size in sizes):
        raise RequestError(f"{name} must be from {least} to {MOST}, not {', '.join(map(str, sizes))}")


def check_share(name: str, value: float) -> None:
    """Refuse a share of more than a half."""
    if not 0 <= value <= 0.5:
        raise RequestError(f"{name} must be in 0..0.5, not {value!r}")
