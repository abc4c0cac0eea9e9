"""What a recipe is: everything that decides a training run except its seed. Importing it needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from bnnhw.datasets.reading import PLAIN, Reading
from bnnhw.errors import RequestError
from bnnhw.training.input_recipe import InputRecipe
from bnnhw.training.layer_recipes import USUAL, Components, ConvRecipe, LookupRecipe
from bnnhw.training.limits import check_bits, check_sizes
from bnnhw.training.settings import Loss, Optimizer, Schedule, Settings

__all__ = ["Recipe", "with_bits"]


@dataclass(frozen=True)
class Recipe:
    """A training run.

    Parameters
    ----------
    name : str
    summary : str
        One line for a listing.
    dataset : str
        Name or path for :func:`bnnhw.datasets.load`.
    input : InputRecipe
    widths : tuple of int
        Neurons of each hidden layer.
    epochs, batch, learning_rate, loss, optimizer, schedule, shift, mirror, validation, patience, first_stage
        As in :class:`~bnnhw.training.settings.Settings`; ``weight_decay``, ``draw`` and ``draw_after`` too.
    shape : (int, int, int), optional
        Channels, height, width of a sample; needed by ``convs``. A signal has height 1.
    convs : tuple of ConvRecipe
        Before the fully connected layers.
    components : Components
    width_bits : tuple of int
        Of the elements that each hidden fully connected layer gives, as ``bits`` of a convolution; empty for 1 each.
    teacher_epochs : int
        How long the teacher of the distributional loss is trained before.
    reading : Reading
        How a path is read, and split.
    lookup : LookupRecipe, optional
        Layers of truth tables; then there are no ``widths`` or other components, and the channels of ``convs`` are
        tables at every position.
    """

    name: str
    summary: str
    dataset: str
    input: InputRecipe
    widths: tuple[int, ...]
    epochs: int
    batch: int
    learning_rate: float
    loss: Loss = "cross-entropy"
    shape: tuple[int, int, int] | None = None
    convs: tuple[ConvRecipe, ...] = ()
    components: Components = USUAL
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    shift: tuple[int, int] = (0, 0)
    mirror: bool = False
    validation: float = 0.0
    patience: int | None = None
    width_bits: tuple[int, ...] = ()
    first_stage: float = 0.0
    weight_decay: tuple[float, float] = (0.0, 0.0)
    draw: float = 0.0
    draw_after: float = 0.0
    teacher_epochs: int = 0
    reading: Reading = PLAIN
    lookup: LookupRecipe | None = None

    def __post_init__(self) -> None:
        # A value of its own, checked there.
        _ = self.settings
        check_sizes("widths", *self.widths)
        check_sizes("shape", *(self.shape or ()))
        if self.shape is None and (self.convs or any(self.shift) or self.mirror or self.components.thermometer):
            raise RequestError("convs, shift, mirror and a thermometer need a shape")
        if self.lookup is not None:
            self._check_lookup(self.lookup)
        layers, limits = len(self.widths) + 1, self.components.fan_ins
        if limits and len(limits) != layers:
            raise RequestError(f"fan_ins must be one for each of {layers} fully connected layers, not {limits}")
        if self.components.rarest and (self.convs or self.components.thermometer):
            raise RequestError("rarest must be 0 with convs or a thermometer: it is said of inputs that neurons read")
        if self.width_bits and len(self.width_bits) != len(self.widths):
            raise RequestError(f"width_bits must be one for each of {len(self.widths)} widths, not {self.width_bits}")
        for bits in self.width_bits:
            check_bits(bits)
        if max(self.bits, default=1) > 1 and self.components.activation != "sign":
            raise RequestError(f"activations of several bits must be 'sign', not {self.components.activation!r}")
        if self.teacher_epochs < 0 or (self.loss == "distributional") != (self.teacher_epochs > 0):
            raise RequestError("the distributional loss needs teacher_epochs of at least 1, and no other loss has them")

    def _check_lookup(self, lookup: LookupRecipe) -> None:
        if self.widths or self.components != USUAL:
            raise RequestError("a recipe with lookup layers must have no widths and no components")
        if not self.convs and not lookup.neurons:
            raise RequestError("a recipe with lookup layers must have neurons of them, or convs")
        if self.convs and lookup.learned != "tables":
            raise RequestError(f"learned of lookup layers must be 'tables' with convs, not {lookup.learned!r}")
        for number, conv in enumerate(self.convs):
            if not conv.tabulated:
                raise RequestError(
                    f"convolution {number}: of lookup layers it must give one bit, be padded with -1 or 1, and be "
                    "neither depthwise nor around a shortcut"
                )

    @property
    def settings(self) -> Settings:
        """How the network is trained."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})

    @property
    def bits(self) -> tuple[int, ...]:
        """Bits of the elements that each layer but the last gives, convolutions first."""
        return (*(conv.bits for conv in self.convs), *(self.width_bits or (1,) * len(self.widths)))


def with_bits(recipe: Recipe, bits: Sequence[int]) -> Recipe:
    """A recipe with other widths of its activations, in the order of :attr:`Recipe.bits`.

    Raises
    ------
    RequestError
        There is not one for each layer, or one is out of range.
    """
    if len(bits) != len(recipe.bits):
        raise RequestError(f"bits must be one for each of {len(recipe.bits)} layers, not {tuple(bits)}")
    number = len(recipe.convs)
    convs = tuple(replace(conv, bits=b) for conv, b in zip(recipe.convs, bits, strict=False))
    return replace(recipe, convs=convs, width_bits=tuple(bits[number:]))
