"""Files of tables that are not read: one line, which names the array and what to change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import FileError, UnsupportedError
from tests.frontend.refusals import Cases, refuse
from tests.frontend.table_models import Arrays, sample_arrays, write


def seed() -> Arrays:
    return sample_arrays(np.random.default_rng(0))


CASES: Cases[Callable[[Arrays], object]] = Cases()
refused_for = CASES


@refused_for("array 'table_network': the layout must be version 1, not 2: write that one")
def newer(arrays: Arrays) -> None:
    arrays["table_network"] = 2


@refused_for("array 'table_network' must be one integer, not float64 ()")
def version_of_another_type(arrays: Arrays) -> None:
    arrays["table_network"] = 1.0


@refused_for("array 'input.shape' is missing")
def no_shape(arrays: Arrays) -> None:
    del arrays["input.shape"]


SHAPE = (
    "array 'input.shape' must be the features of a sample, or its channels, height and width, each at least 1 and at "
    "most 16777216 in all, not "
)


@refused_for(SHAPE + "(0,)")
def empty_samples(arrays: Arrays) -> None:
    arrays["input.shape"] = np.array([0])


@refused_for(SHAPE + "(1099511627776, 1099511627776, 1)")
def huge_samples(arrays: Arrays) -> None:
    arrays["input.shape"] = np.array([1 << 40, 1 << 40, 1])


@refused_for(SHAPE + "(5, 1)")
def two_sizes(arrays: Arrays) -> None:
    arrays["input.shape"] = np.array([5, 1])


@refused_for("array 'input.bits' must not stand beside 'input.thermometer': each says alone what an element is")
def two_inputs(arrays: Arrays) -> None:
    arrays["input.bits"] = 1


@refused_for("array 'input.bits' must be in 1..8, not 9")
def nine_bits(arrays: Arrays) -> None:
    arrays["input.bits"] = arrays.pop("layer0.bits") + 7
    del arrays["input.thermometer"]


ASCEND = (
    "array 'input.thermometer' must ascend in each row, as row 1 does not: sort its thresholds, and the sources of "
    "layer0 with them"
)


@refused_for(ASCEND)
def not_sorted(arrays: Arrays) -> None:
    arrays["input.thermometer"][1] = [1, 2, 1.5]


@refused_for("array 'input.thermometer' must hold no NaN, as row 3 does")
def nan(arrays: Arrays) -> None:
    arrays["input.thermometer"][3, 2] = np.nan


@refused_for(
    "array 'input.thermometer' must have one row for all elements or one per element (5) of 'input.shape', not 4"
)
def rows(arrays: Arrays) -> None:
    arrays["input.thermometer"] = arrays["input.thermometer"][:4]


@refused_for("array 'input.thermometer' must have 1 to 255 thresholds in a row, not 256")
def thresholds(arrays: Arrays) -> None:
    arrays["input.thermometer"] = np.zeros((1, 256))


@refused_for("array 'input.thresholds' must have 2**b - 1 for elements of b bits, up to 255 thresholds in a row, not 2")
def levels(arrays: Arrays) -> None:
    arrays["input.thresholds"] = arrays.pop("input.thermometer")[:, :2]


@refused_for("array 'layer0.sources' is missing")
def no_layers(arrays: Arrays) -> None:
    for name in [name for name in arrays if name.startswith("layer")]:
        del arrays[name]


@refused_for("array 'layer1.sources' is missing")
def no_sources(arrays: Arrays) -> None:
    del arrays["layer1.sources"]


@refused_for("array 'layer1.tables' is missing")
def no_tables(arrays: Arrays) -> None:
    del arrays["layer1.tables"]


@refused_for("array 'classes' is missing")
def no_classes(arrays: Arrays) -> None:
    del arrays["classes"]


@refused_for(
    "array 'layer3.sources' is none that the layout has: layers are numbered from "
    "layer0 without a gap, and end "

             "at layer1")  # fmt: skip
def gap(arrays: Arrays) -> None:
    arrays["layer3.sources"] = arrays["layer1.sources"]


@refused_for("array 'notes' is none that the layout has: remove it, or see its name in docs/models.md")
def one_more(arrays: Arrays) -> None:
    arrays["notes"] = np.ones(3)


@refused_for("array 'layer0.sources' must be in 0..14, the bits of 5 elements, 3 each, not 15 as of neuron 2")
def beyond_the_input(arrays: Arrays) -> None:
    arrays["layer0.sources"][2, 1] = 15


@refused_for("array 'layer1.sources' must be in 0..7, the neurons of layer0, not -1 as of neuron 6")
def negative(arrays: Arrays) -> None:
    arrays["layer1.sources"][6, 0] = -1


@refused_for("array 'layer1.sources' must be in 0..7, the neurons of layer0, not 18446744073709551615 as of neuron 0")
def unsigned(arrays: Arrays) -> None:
    arrays["layer1.sources"] = arrays["layer1.sources"].astype(np.uint64)
    arrays["layer1.sources"][0, 0] = np.iinfo(np.uint64).max


@refused_for(
    "array 'layer1.sources' must be integers (neurons, inputs of each), not float64 "
    "(7, 3): save it as int32 of "

             "that shape")  # fmt: skip
def fractions(arrays: Arrays) -> None:
    arrays["layer1.sources"] = arrays["layer1.sources"] * 1.0


@refused_for(
    "array 'layer1.sources' must be integers (neurons, inputs of each), not int32 "
    "(21,): save it as int32 of that "

             "shape")  # fmt: skip
def a_list(arrays: Arrays) -> None:
    arrays["layer1.sources"] = arrays["layer1.sources"].ravel()


TABLES = (
    "array 'layer1.tables' must be (7, 64), a row for each row of 'layer1.sources' "
    "and an entry for each of 2 ** 6 addresses, not "
)


@refused_for(TABLES + "(7, 32)")
def half_a_table(arrays: Arrays) -> None:
    arrays["layer1.tables"] = arrays["layer1.tables"][:, :32]


@refused_for(TABLES + "(6, 64)")
def fewer_neurons(arrays: Arrays) -> None:
    arrays["layer1.tables"] = arrays["layer1.tables"][:6]


@refused_for("array 'layer1.tables' must be in 0..1, not 2 as of neuron 4: of neurons that emit more bits, array "
             "'layer1.bits' says how many")  # fmt: skip
def two(arrays: Arrays) -> None:
    arrays["layer1.tables"] = arrays["layer1.tables"].astype(np.int8)
    arrays["layer1.tables"][4, 63] = 2


@refused_for("array 'layer0.tables' must be in 0..3, not -1 as of neuron 0")
def minus_one(arrays: Arrays) -> None:
    arrays["layer0.tables"][0, 0] = -1


@refused_for(
    "array 'classes': the 7 neurons of layer1 can't be divided into 3 equal groups: "
    "give array 'groups', the class "

             "of each neuron")  # fmt: skip
def no_groups(arrays: Arrays) -> None:
    del arrays["groups"]


@refused_for("array 'groups' must have a class for each of the 7 neurons of layer1, not 8")
def groups_of_others(arrays: Arrays) -> None:
    arrays["groups"] = np.arange(8) % 3


@refused_for("array 'groups' must be in 0..2, one of 'classes', not 3 as of place 1")
def another_class(arrays: Arrays) -> None:
    arrays["groups"][1] = 3


@refused_for("array 'groups' must give every class a neuron, and class 1 has none")
def empty_class(arrays: Arrays) -> None:
    arrays["groups"] = np.array([0, 0, 0, 2, 2, 2, 2])


@refused_for("array 'classes' must be in 1..65536, not 0")
def classless(arrays: Arrays) -> None:
    arrays["classes"] = 0


@refused_for("array 'offsets' must have one number per class (3), not 2")
def two_offsets(arrays: Arrays) -> None:
    arrays["offsets"] = np.array([0, 1])


@refused_for("array 'offsets' must be in -16777216..16777216, not -9223372036854775808 as of place 0")
def far_offset(arrays: Arrays) -> None:
    arrays["offsets"][0] = np.iinfo(np.int64).min


@refused_for(
    "array 'offsets' is missing: one class decides by the sign of its sum, so give "
    "the number below which it is "

             "class 0, negated")  # fmt: skip
def one_class(arrays: Arrays) -> None:
    arrays["classes"] = 1
    for name in ("groups", "offsets"):
        del arrays[name]


@refused_for("array 'class_names' must have 3 different lines, one per class, not ['a', 'b', 'a']")
def same_names(arrays: Arrays) -> None:
    arrays["class_names"] = np.frombuffer(b"a\nb\na", np.uint8)


@refused_for("array 'class_names' must be UTF-8: numpy.frombuffer('\\n'.join(names).encode(), 'uint8')")
def latin(arrays: Arrays) -> None:
    arrays["class_names"] = np.frombuffer("a\nb\nä".encode("latin-1"), np.uint8)


@refused_for("array 'layer0.tables' must have 1 or 2 dimensions and no size of 0, not (8, 16, 1)")
def three_dimensions(arrays: Arrays) -> None:
    arrays["layer0.tables"] = arrays["layer0.tables"][..., None]


@refused_for("array 'layer0.tables' must have 1 or 2 dimensions and no size of 0, not (0, 16)")
def empty(arrays: Arrays) -> None:
    arrays["layer0.tables"] = arrays["layer0.tables"][:0]


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("name", CASES)
def test_refusals(name: str, suffix: str, tmp_path: Path) -> None:
    message, change = CASES[name]
    arrays = seed()
    change(arrays)
    refuse(write(tmp_path / f"m{suffix}", arrays), FileError, message)


def test_too_many_inputs(tmp_path: Path) -> None:
    """What the hardware has no tables for, in bits and in elements of several bits."""
    arrays = seed()
    arrays["layer1.sources"] = np.zeros((7, 5), np.int64)
    message = (
        "array 'layer1.sources': a table must read at most 8 bits, not 5 elements of 2 "
        "bits: train with fewer inputs per "
        "neuron, or fewer bits"
    )
    refuse(write(tmp_path / "m.npz", arrays), UnsupportedError, message)
