"""The narrowest integer that holds a range."""

from __future__ import annotations

from bnnhw.ir.types import narrowest


def test_narrowest() -> None:
    """The narrowest integer that holds a range: no bit more than needed, over every small range."""
    for low in range(-20, 20):
        for high in range(max(low, 0), 20):
            width, signed = narrowest(low, high)

            def holds(bits: int, low: int = low, high: int = high, signed: bool = signed) -> bool:
                least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
                return least <= low and high <= most

            assert signed == (low < 0)
            assert holds(width)
            # Two's complement has two bits at least: DataType knows no int1.
            assert width == 1 + signed or not holds(width - 1)
