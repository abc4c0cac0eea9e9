"""A layer as Keras' JSON has it, and what its configuration says: sizes, padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bnnhw.errors import FileError, UnsupportedError

__all__ = ["KerasLayer", "same"]

_LARGEST = 1 << 20


@dataclass(frozen=True)
class KerasLayer:
    """A layer of a Keras model.

    Parameters
    ----------
    kind : str
        Its class.
    name : str
    config : dict
        Its options, as Keras writes them: anything may be there.
    """

    kind: str
    name: str
    config: dict[str, Any]

    def unsupported(self, reason: str) -> UnsupportedError:
        """The error that the layer can't be converted, to raise."""
        return UnsupportedError(f"layer {self.name}: {reason}")

    def damaged(self, reason: str) -> FileError:
        """The error that no Keras layer is like that, to raise."""
        return FileError(f"layer {self.name}: {reason}")

    def get(self, option: str, default: Any = None) -> Any:
        return self.config.get(option, default)

    def require(self, option: str, default: Any, *allowed: Any) -> Any:
        """An option that must have one of some values."""
        value = self.get(option, default)
        if not any(type(value) is type(other) and value == other for other in allowed):
            raise self.unsupported(f"{option} must be {' or '.join(map(repr, allowed))}, not {value!r:.60}")
        return value

    def number(self, option: str, default: float) -> float:
        value = self.get(option, default)
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e30:
            raise self.damaged(f"{option} must be a number, not {value!r:.60}")
        return float(value)

    def size(self, option: str, default: Any = None) -> int:
        """An option that must be a positive number."""
        value = self.get(option, default)
        if type(value) is not int or not 0 < value < _LARGEST:
            raise self.damaged(f"{option} must be a positive number, not {value!r:.60}")
        return value

    def sizes(self, option: str, rank: int, default: Any = 1) -> tuple[int, ...]:
        """An option that must be a positive number, or one for each of ``rank`` dimensions."""
        value = self.get(option, default)
        value = [value] * rank if type(value) is int else value
        if not isinstance(value, list) or len(value) != rank or not all(
            type(v) is int and 0 < v < _LARGEST for v in value
        ):  # fmt: skip
            numbers = "two positive numbers" if rank == 2 else "a positive number"
            raise self.damaged(f"{option} must be {numbers}, not {value!r:.60}")
        return tuple(value)


def same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """What TensorFlow's ``same`` padding puts before and after: the odd one after."""
    surplus = max((-(-size // stride) - 1) * stride + (kernel - 1) * dilation + 1 - size, 0)
    return surplus // 2, surplus - surplus // 2
