"""Hypothesis strategies that draw data types, layers and networks."""

from __future__ import annotations

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bnnhw.ir import (
    BatchNorm,
    BitMatrix,
    Clip,
    Curve,
    DataType,
    Dense,
    Divide,
    FloatActivation,
    Gap,
    InputSpec,
    Network,
    Output,
    PRelu,
    Quantizer,
    Relu,
    Scale,
    Shift,
    Staircase,
    Step,
    WeightPlane,
    batch_norm_sign,
)
from bnnhw.ir.activation import Thresholds
from bnnhw.ir.curves import CURVES, STAIRS
from bnnhw.ir.input_spec import LAYOUTS
from tests.streamline.curves import INSIDE

# The same examples on every run, for everybody.
fixed = settings(derandomize=True)

DTYPES = st.sampled_from([DataType.parse(name) for name in ("bipolar", "uint1", "uint2", "uint4", "int2", "int3")])
NAMES = st.text("abcxyz_0é.- ", min_size=1, max_size=6)

# Integers and halves make exact ties between accumulator and threshold common; the rest is anything.
PARAMETERS = st.one_of(
    st.integers(-6, 6).map(float),
    st.integers(-12, 12).map(lambda n: n / 2),
    st.floats(-20, 20, allow_nan=False, width=32),
    st.floats(-20, 20, allow_nan=False),
)
VARIANCES = st.one_of(st.sampled_from([1.0, 4.0, 0.25]), st.floats(0.0078125, 50, width=32), st.floats(0.01, 50))


@st.composite
def bit_matrices(draw: st.DrawFn, rows: int, columns: int) -> BitMatrix:
    return BitMatrix.from_bits(draw(hnp.arrays(np.uint8, (rows, columns), elements=st.integers(0, 1))))


@st.composite
def specs(
    draw: st.DrawFn, shape: tuple[int, ...], dtype: DataType, numbers: st.SearchStrategy[float] | None = None
) -> InputSpec:
    """Inputs with thresholds: one row, one per channel or one per element, rising or falling, in any layout."""
    elements = int(np.prod(shape))
    rows, number = draw(st.sampled_from([1, 1, shape[0], elements])), dtype.levels - 1
    values = st.lists(st.floats(allow_nan=False) if numbers is None else numbers, min_size=number, max_size=number)
    table = tuple(tuple(sorted(draw(values))) for _ in range(rows))
    falling = tuple(draw(st.lists(st.booleans(), min_size=rows, max_size=rows))) if draw(st.booleans()) else ()
    layout = draw(st.sampled_from(LAYOUTS)) if len(shape) > 1 else LAYOUTS[0]
    return InputSpec(shape, dtype, table, falling, layout)


@st.composite
def norms(draw: st.DrawFn, neurons: int) -> BatchNorm:
    def column(elements: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(elements, min_size=neurons, max_size=neurons)))

    eps = draw(st.sampled_from([0.0, 1e-5, 1e-3]))
    return BatchNorm(column(PARAMETERS), column(PARAMETERS), column(PARAMETERS), column(VARIANCES), eps)


@st.composite
def steps(draw: st.DrawFn, neurons: int, relu: bool = True) -> tuple[Step, ...]:
    """Up to four steps, constants and several batch norms among them."""

    def column(elements: st.SearchStrategy[float]) -> np.ndarray:
        return np.array(draw(st.lists(elements, min_size=neurons, max_size=neurons)))

    found: list[Step] = []
    for _ in range(draw(st.integers(0, 4))):
        match draw(st.integers(0, 9 if relu else 3)):
            case 0:
                found.append(Scale(column(PARAMETERS)))
            case 1:
                found.append(Divide(column(PARAMETERS.filter(lambda x: abs(x) > 1e-3))))
            case 2:
                found.append(Shift(column(PARAMETERS)))
            case 3:
                found.append(draw(norms(neurons)))
            case 4:
                found.append(Relu())
            case 5:
                found.append(PRelu(column(PARAMETERS.map(abs))))
            case 6:
                name = draw(st.sampled_from(sorted(CURVES)))
                if name in INSIDE:
                    low, high = (np.full(neurons, end) for end in INSIDE[name])
                    found.append(Clip(low, high))
                found.append(Curve(name))
            case 7:
                found.append(Staircase(draw(st.sampled_from(sorted(STAIRS)))))
            case 8:
                ends = column(PARAMETERS.map(abs))
                found.append(Gap(-ends, ends, ends * draw(st.sampled_from([0, 0.5, 1])), column(PARAMETERS.map(abs))))
            case _:
                ends = np.sort([column(PARAMETERS), column(PARAMETERS)], axis=0)
                low, high = draw(st.sampled_from([(-np.inf, None), (None, np.inf), (None, None)]))
                found.append(
                    Clip(ends[0] if low is None else ends[0] + low, ends[1] if high is None else ends[1] + high)
                )
    return tuple(found)


@st.composite
def quantizers(draw: st.DrawFn, neurons: int) -> Quantizer:
    dtype = draw(DTYPES)
    values = st.one_of(PARAMETERS, st.sampled_from([-np.inf, np.inf, 0.0]))
    bounds = draw(hnp.arrays(np.float64, (neurons, dtype.levels - 1), elements=values))
    strict = draw(hnp.arrays(np.bool_, dtype.levels - 1))
    return Quantizer(dtype, np.sort(bounds, axis=1), strict)


@st.composite
def planes(draw: st.DrawFn, neurons: int, synapses: int) -> tuple[WeightPlane, ...]:
    coefficients = draw(st.sampled_from([(1,), (1,), (1,), (1, 1), (1, 2), (-1, 2), (3,)]))
    return tuple(WeightPlane(c, draw(bit_matrices(neurons, synapses))) for c in coefficients)


@st.composite
def thresholds(draw: st.DrawFn, layer: Dense, dtype: DataType) -> Thresholds:
    low, high = layer.accumulator_range
    values = draw(hnp.arrays(np.int64, (layer.neurons, dtype.levels - 1), elements=st.integers(low, high + 1)))
    return Thresholds(np.sort(values, axis=1), dtype)


@st.composite
def networks(draw: st.DrawFn, streamlined: bool | None = None, max_size: int = 9, general: bool = False) -> Network:
    """A network of 1 to 3 matrix layers; ``streamlined`` None draws that too.

    One that is not streamlined has batch norms and signs alone, or, if ``general``, any steps and quantizers.
    """
    if streamlined is None:
        streamlined = draw(st.booleans())
    size = st.integers(1, max_size)
    shape = draw(st.one_of(size.map(lambda n: (n,)), st.tuples(*[st.integers(1, 3)] * 3)))
    dtype = draw(DTYPES)
    spec = draw(specs(shape, dtype)) if draw(st.booleans()) else InputSpec(shape, dtype)
    layers, synapses = [], spec.elements
    depth = draw(st.integers(1, 3))
    for i in range(depth):
        neurons = draw(size)
        layer = Dense(f"dense{i}", dtype, draw(planes(neurons, synapses)), None)
        if i < depth - 1:
            if streamlined:
                dtype = draw(DTYPES)
                activation = draw(thresholds(layer, dtype))
            elif general:
                activation = FloatActivation(draw(steps(neurons)), draw(quantizers(neurons)))
                dtype = activation.dtype
            else:
                dtype = DataType("bipolar", 1)
                activation = batch_norm_sign(draw(norms(neurons)))
            layer = Dense(layer.name, layer.input, layer.weights, activation)
        layers.append(layer)
        synapses = neurons
    if streamlined:
        vector = hnp.arrays(np.int64, synapses, elements=st.integers(-(1 << 20), 1 << 20))
        output = Output("output", draw(vector), draw(vector))
    else:
        plain = Output.plain("output", synapses)
        tail = draw(steps(synapses, relu=False)) if general else (draw(norms(synapses)),)
        output = Output("output", plain.multiplier, plain.offset, tail)
    return Network(spec, (*layers, output), draw(st.dictionaries(st.text(max_size=4), st.text(max_size=8), max_size=2)))


@st.composite
def frames(draw: st.DrawFn, network: Network, number: int = 5) -> np.ndarray:
    """Codes of a few frames for a network, uint8 (number, elements)."""
    top = network.input.dtype.levels - 1
    return draw(hnp.arrays(np.uint8, (number, network.input.elements), elements=st.integers(0, top)))
