"""How data of one's own are read: what a path alone does not say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, TypeAlias, get_args

from bnnhw.errors import RequestError

__all__ = ["COLOURS", "FRACTION", "PLAIN", "SEED", "Colour", "Reading"]

FRACTION = 0.2
"""Share of each class that is for testing where nothing else is said."""

SEED = 0

Colour: TypeAlias = Literal["grey", "rgb"]
COLOURS: tuple[Colour, ...] = get_args(Colour)

SPLIT = ("test", "fraction", "seed")
"""What every kind of data takes: it concerns the split."""

FLAGS = {
    "test": "--test-dataset",
    "fraction": "--split-fraction",
    "seed": "--split-seed",
    "label": "--label",
    "ignore": "--ignore",
    "shape": "--shape",
    "size": "--size",
    "colour": "--colour",
    "seconds": "--seconds",
}
"""The option of the command line that says each of them."""


@dataclass(frozen=True)
class Reading:
    """How a path is read as a data set; what is None is decided by its kind.

    Parameters
    ----------
    test : str, optional
        A second path, of the samples for testing; without it a share of each class is for testing, unless the data
        have a split of their own.
    fraction : float, optional
        That share, 0 to 1, both excluded; :data:`FRACTION`.
    seed : int, optional
        Which samples those are; :data:`SEED`.
    label : str, optional
        Of a table: the column of classes, by name or by number (1 the first, -1 the last).
    ignore : tuple of str
        Of a table: columns that are no features, likewise.
    shape : (int, int, int), optional
        Of a table or an archive: channels, height, width of the map that the numbers of one sample are.
    size : (int, int), optional
        Of images: height and width that they are scaled to.
    colour : str, optional
        Of images: ``"grey"`` or ``"rgb"``.
    seconds : float, optional
        Of sounds: how much of each counts, from its beginning; 1.

    Raises
    ------
    RequestError
        A value is out of range.
    """

    test: str | None = None
    fraction: float | None = None
    seed: int | None = None
    label: str | None = None
    ignore: tuple[str, ...] = ()
    shape: tuple[int, int, int] | None = None
    size: tuple[int, int] | None = None
    colour: Colour | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.fraction is not None and not 0 < self.fraction < 1:
            raise RequestError(f"split fraction must be between 0 and 1, not {self.fraction!r}")
        if self.seed is not None and self.seed < 0:
            raise RequestError(f"split seed must be 0 or more, not {self.seed!r}")
        if self.test is not None and (self.fraction is not None or self.seed is not None):
            raise RequestError("a test data set must come without a split fraction or seed: nothing is split then")
        for name in ("shape", "size"):
            sizes = getattr(self, name)
            if sizes is not None and not all(1 <= size <= 1 << 16 for size in sizes):
                raise RequestError(f"{name} must be sizes from 1 to {1 << 16}, not {sizes!r}")
        if self.colour is not None and self.colour not in COLOURS:
            raise RequestError(f"colour must be one of {', '.join(COLOURS)}, not {self.colour!r}")
        if self.seconds is not None and not 0.05 <= self.seconds <= 60:
            raise RequestError(f"seconds must be from 0.05 to 60, not {self.seconds!r}")

    @property
    def said(self) -> dict[str, Any]:
        """What is not left open: name of the field -> value."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) not in (None, ())}

    def check(self, allowed: tuple[str, ...], what: str) -> None:
        """Refuse what does not concern some kind of data. Raises :class:`~bnnhw.errors.RequestError`."""
        for name in self.said:
            if name not in (*SPLIT, *allowed):
                raise RequestError(f"{FLAGS[name]} must not be given for {what}")

    def after(self, kept: Mapping[str, Any]) -> Reading:
        """This, and what it leaves open as it was kept of another reading (:meth:`kept`)."""
        known = {field.name for field in fields(self)}
        split = any(name in self.said for name in SPLIT)
        more = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in kept.items()
            if name in known and name not in self.said and not (split and name in SPLIT)
        }
        return replace(self, **more)

    def text(self) -> str:
        """What is said, as JSON: for the provenance of a network. The test data set's path is not kept."""
        return json.dumps({name: value for name, value in asdict(self).items() if name in self.said and name != "test"})


PLAIN = Reading()
"""Nothing is said."""
