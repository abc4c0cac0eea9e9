"""Raw samples as elements: rows of thresholds, layouts, and what is refused."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.errors import NetworkError
from bnnhw.files import digest
from bnnhw.ir import BitMatrix, DataType, Dense, InputSpec, Network, Output, WeightPlane, archive
from bnnhw.ir.input_spec import LAYOUTS
from tests.strategies import DTYPES, fixed, specs

UINT2 = DataType("uint", 2)
ROWS = "input: thresholds must have one row, one per channel ({}) or one per element ({}), not 3"


@fixed
@given(st.data())
def test_every_element_by_its_own_row(data: st.DataObject) -> None:
    """Sample by sample, element by element, as the docstring has it."""
    shape = data.draw(st.sampled_from([(3,), (2, 3, 2), (1, 2, 3), (3, 1, 2)]))
    spec = data.draw(specs(shape, data.draw(DTYPES), st.integers(-5, 5).map(float)))
    raw = np.random.default_rng(0).integers(-6, 7, (4, *spec.sample_shape)).astype(np.float64)
    codes = spec.encode(raw)
    assert np.array_equal(spec.encode(raw.reshape(4, -1)), codes)
    channels, height, width = spec.map
    for frame in range(4):
        for place in range(spec.elements):
            position, c = divmod(place, channels)
            where = {"c": c, "h": position // width, "w": position % width}
            x = raw[frame, c] if len(shape) == 1 else raw[(frame, *(where[axis] for axis in spec.layout))]
            number = place % len(spec.rows)
            row = spec.rows[number]
            falls = spec.falling and spec.falling[number]
            level = sum(t > x for t in row) if falls else sum(t <= x for t in row)
            assert codes[frame, place] == spec.dtype.codes(np.array(level))
    assert math.prod(spec.sample_shape) == spec.elements and height * width * channels == spec.elements


def test_channels_first_is_taken_by_any_layout() -> None:
    for layout in LAYOUTS:
        spec = InputSpec((2, 3, 4), DataType("uint", 8), layout=layout)
        maps = np.arange(24).reshape(1, 2, 3, 4)
        raw = maps.transpose(0, *(1 + "chw".index(axis) for axis in layout))
        assert np.array_equal(spec.encode(maps), spec.encode(raw))
        assert np.array_equal(spec.encode(raw)[0], maps[0].transpose(1, 2, 0).ravel())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (((4,), UINT2, ((0.0, 1.0, 2.0),) * 3), ROWS.format(4, 4)),
        (((2, 3, 1), UINT2, ((0.0, 1.0, 2.0),) * 3), ROWS.format(2, 6)),
        (((2,), UINT2, ((0.0, 1.0, 2.0), (0.0, 1.0))), "input: uint2 must have 3 thresholds, not 2"),
        (((2,), UINT2, ((0.0, 1.0, 2.0), (0.0, 3.0, 2.0))), "input: thresholds must ascend"),
        (((2,), UINT2, ((0.0, 1.0, 2.0), (0.0, 1.0, math.nan))), "input: thresholds must ascend"),
        (((2,), UINT2, (0.0, 1.0, 2.0), (True, False)), "input: falling must have one entry per row (1), not 2"),
        (((2,), UINT2, None, (), "hwc"), "input: layout must be chw for features, not hwc"),
        (((2, 1, 1), UINT2, None, (), "nhwc"), "input: layout must be one of chw, hwc, hcw, cwh, wch, whc, not 'nhwc'"),
    ],
)  # fmt: skip
def test_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(NetworkError, match=f"^{re.escape(message)}$"):
        InputSpec(*arguments)  # type: ignore[arg-type]


def test_samples_that_are_none() -> None:
    spec = InputSpec((2,), UINT2, ((0.0, 1.0, 2.0), (5.0, 6.0, 7.0)))
    with pytest.raises(NetworkError, match=r"^samples must be numbers, not NaN as in frame 1$"):
        spec.encode(np.array([[0, 1], [np.nan, 1]]))
    with pytest.raises(NetworkError, match=r"^samples must have shape \(frames, 2\), not \(1, 3\)$"):
        spec.encode(np.zeros((1, 3)))
    with pytest.raises(
        NetworkError,
        match=r"^samples of a uint2 input must be integers in 0\.\.3, and are whole numbers from 0 to 255$",
    ):
        InputSpec((2,), UINT2).encode(np.array([[0, 255]], np.uint8))
    with pytest.raises(
        NetworkError, match=r"^samples of a bipolar input must be -1 or \+1, and are numbers from 0 to 0\.5$"
    ):
        InputSpec((2,), DataType("bipolar", 1)).encode(np.array([[0, 0.5]]))


def _network(spec: InputSpec) -> Network:
    bits = BitMatrix.from_bits(np.random.default_rng(0).integers(0, 2, (3, spec.elements)))
    return Network(spec, (Dense("last", spec.dtype, (WeightPlane(1, bits),), None), Output.plain("output", 3)))


def test_one_row_in_any_guise_is_one_row() -> None:
    assert InputSpec((2,), UINT2, ((0.0, 1.0, 2.0),)) == InputSpec((2,), UINT2, (0.0, 1.0, 2.0))
    spec = InputSpec((2,), UINT2, (0.0, 1.0, 2.0), (False,))
    assert spec == InputSpec((2,), UINT2, (0.0, 1.0, 2.0)) and spec.falling == ()
    assert [InputSpec((2,), UINT2, t).per for t in (None, (0.0, 1.0, 2.0), ((0.0, 1.0, 2.0),) * 2)] == [
        None, "input", "channel"
    ]  # fmt: skip


def test_the_version_of_a_file_is_the_oldest_that_holds_it(tmp_path: Path) -> None:
    rows = ((0.0, 1.0, 2.0), (1.0, 2.0, 3.0))
    for spec, version in (
        (InputSpec((2, 1, 1), UINT2), 3),
        (InputSpec((2, 1, 1), UINT2, rows[0]), 3),
        (InputSpec((2, 1, 1), UINT2, rows), 4),
        (InputSpec((2, 1, 1), UINT2, rows, (False, True)), 4),
        (InputSpec((2, 1, 1), UINT2, rows[0], (True,)), 4),
        (InputSpec((2, 1, 1), UINT2, rows[0], layout="hwc"), 4),
    ):
        path = tmp_path / "n.bnn"
        archive.save(_network(spec), path)
        assert archive.load(path) == _network(spec)
        with np.load(path) as members:
            assert f'"version":{version}' in members["header"].tobytes().decode()


def test_identities_show_only_what_is_used() -> None:
    """The digest by which a board knows its design is that of before inputs had rows and layouts."""
    plain = InputSpec((2, 1, 1), DataType("bipolar", 1), (0.5,))
    assert digest(plain) == "19f35ed8ef3cfff15129b0288da553ac1091c74792ab59976f73e71c342def43"
    others = [
        InputSpec((2, 1, 1), DataType("bipolar", 1), (0.5,), (True,)),
        InputSpec((2, 1, 1), DataType("bipolar", 1), (0.5,), layout="hwc"),
        InputSpec((2, 1, 1), DataType("bipolar", 1), ((0.5,), (0.25,))),
    ]
    assert len({digest(spec) for spec in (plain, *others)}) == 4
