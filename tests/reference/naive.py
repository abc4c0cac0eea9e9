"""A second implementation of the IR, bit by bit and with Python numbers: short enough to be believed."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from bnnhw.ir import (
    Affine,
    BatchNorm,
    Conv2d,
    DataType,
    Dense,
    Divide,
    FloatActivation,
    Lookup,
    LookupConv,
    MaxPool,
    Network,
    PRelu,
    Quantize,
    Relu,
    Residual,
    Scale,
    Shift,
    Step,
    SumPool,
    Thresholds,
    Window,
)
from bnnhw.ir.bends import Clip, Gap
from bnnhw.ir.curves import CURVES, Curve, Staircase
from bnnhw.ir.layer import Layer


def decode(dtype: DataType, code: int) -> int:
    """What a code stands for."""
    if dtype.kind == "bipolar":
        return 1 if code else -1
    return code - (1 << dtype.bits) if dtype.kind == "int" and code >> (dtype.bits - 1) else code


def encode(dtype: DataType, value: int) -> int:
    """The code of a value; bipolar ones are -1 and +1."""
    if dtype.kind == "bipolar":
        return (value + 1) // 2
    assert dtype.minimum <= value <= dtype.maximum
    return value % (1 << dtype.bits)


def accumulate(layer: Dense, codes: list[int]) -> list[int]:
    """Sum of coefficient * popcount(XNOR) over pairs of planes, one match at a time."""
    matrices = [plane.bits.bits().tolist() for plane in layer.weights]
    result = []
    for neuron in range(layer.neurons):
        total = 0
        for k, code in enumerate(codes):
            for i, a in enumerate(layer.input.coefficients):
                for plane, matrix in zip(layer.weights, matrices, strict=True):
                    if (code >> i) & 1 == matrix[neuron][k]:
                        total += a * plane.coefficient
        result.append(total)
    return result


def dot(layer: Dense, codes: list[int]) -> list[int]:
    """Values times weights, one neuron after another."""
    rows = sum(plane.coefficient * plane.bits.signs().astype(int) for plane in layer.weights).tolist()
    return [sum(w * decode(layer.input, c) for w, c in zip(row, codes, strict=True)) for row in rows]


def level_code(dtype: DataType, level: int) -> int:
    """The code of a level: level 0 is the type's least value."""
    return level if dtype.kind == "bipolar" else encode(dtype, dtype.minimum + level)


def fire(activation: Thresholds, accumulators: list[int]) -> list[int]:
    """Output codes: the level is how many thresholds are met; a signed type's level 0 is its least value."""
    return [
        level_code(activation.dtype, sum(1 for threshold in row if acc >= threshold))
        for acc, row in zip(accumulators, activation.values.tolist(), strict=True)
    ]


def step(what: Step, n: int, x: float) -> float:
    """One step for neuron n."""
    match what:
        case Scale():
            return x * float(what.factor[n])
        case Divide():
            return x / float(what.divisor[n])
        case Shift():
            return x + float(what.offset[n])
        case BatchNorm():
            gamma, mean, var, beta = (float(a[n]) for a in (what.gamma, what.mean, what.var, what.beta))
            return gamma * (x - mean) / math.sqrt(var + what.eps) + beta
        case Relu():
            return max(x, 0.0)
        case PRelu():
            return x if x >= 0 else float(what.slope[n]) * x
        case Clip():
            return min(max(x, float(what.low[n])), float(what.high[n]))
        case Gap():
            low, high, below, above = (float(a[n]) for a in (what.low, what.high, what.below, what.above))
            return x + below if x < low else x + above if x > high else 0.0
        case Staircase():
            # Not all numbers are finite here.
            whole = {"floor": math.floor, "ceil": math.ceil, "round": round}
            return x if math.isinf(x) else float(whole[what.name](x))
        case Curve():
            return float(CURVES[what.name](np.array([x]))[0])


def chain(steps: tuple[Step, ...], values: list[int]) -> list[float]:
    """The steps one after another, one value per neuron."""
    result = []
    for n, x in enumerate(map(float, values)):
        for what in steps:
            x = step(what, n, x)
        result.append(x)
    return result


def quantize(activation: FloatActivation, values: list[int]) -> list[int]:
    """Codes by the formula as trained."""
    quantizer, codes = activation.quantizer, []
    for n, x in enumerate(chain(activation.steps, values)):
        pairs = zip(quantizer.bounds[n].tolist(), quantizer.strict.tolist(), strict=True)
        reached = [bound < 0 if math.isinf(bound) else x > bound if strict else x >= bound for bound, strict in pairs]
        codes.append(level_code(activation.dtype, sum(reached)))
    return codes


def emit(layer: Dense, codes: list[int]) -> list[int]:
    """The codes that a matrix layer emits for one vector."""
    if isinstance(layer.activation, Thresholds):
        return fire(layer.activation, accumulate(layer, codes))
    if isinstance(layer.activation, FloatActivation):
        return quantize(layer.activation, dot(layer, codes))
    return [encode(layer.output, acc) for acc in accumulate(layer, codes)]


Under = list[int | None]


def slide(window: Window, codes: list[int], function: Callable[[list[Under]], list[int]]) -> list[int]:
    """``function`` of what lies under each window, row after row of windows.

    It is given one list a channel, of taps row after row; None in the padding.
    """
    (ky, kx), (sy, sx), (dy, dx), (top, left, bottom, right) = (
        window.kernel,
        window.stride,
        window.dilation,
        window.padding,
    )
    result: list[int] = []
    y = -top
    while y + dy * (ky - 1) < window.height + bottom:
        x = -left
        while x + dx * (kx - 1) < window.width + right:
            taps: list[Under] = [[] for _ in range(window.channels)]
            for c in range(window.channels):
                for i in range(ky):
                    for j in range(kx):
                        row, column = y + i * dy, x + j * dx
                        inside = 0 <= row < window.height and 0 <= column < window.width
                        at = (row * window.width + column) * window.channels + c
                        taps[c].append(codes[at] if inside else None)
            result += function(taps)
            x += sx
        y += sy
    return result


def convolve(layer: Conv2d, codes: list[int]) -> list[int]:
    """A matrix layer under each window; neuron n of a depthwise one sees the taps of one channel."""

    def one(taps: list[Under]) -> list[int]:
        filled = [[layer.padding_code if tap is None else tap for tap in channel] for channel in taps]
        if not layer.depthwise:
            return emit(layer.dense, [channel[k] for k in range(layer.window.area) for channel in filled])
        each = layer.dense.neurons // layer.window.channels
        return [emit(layer.dense, filled[n // each])[n] for n in range(layer.dense.neurons)]

    return slide(layer.window, codes, one)


def look_up(layer: Lookup, codes: list[int]) -> list[int]:
    """What each neuron's table holds: the codes of its sources, written one above the other, are the address."""
    found = []
    for sources, table in zip(layer.sources.tolist(), layer.tables.tolist(), strict=True):
        address = 0
        for source in reversed(sources):
            address = address * layer.input.levels + codes[source]
        found.append(table[address])
    return found


def look_up_under(layer: LookupConv, codes: list[int]) -> list[int]:
    """The same tables under each window."""

    def one(taps: list[Under]) -> list[int]:
        filled = [[layer.padding_code if tap is None else tap for tap in channel] for channel in taps]
        return look_up(layer.tables, [channel[k] for k in range(layer.window.area) for channel in filled])

    return slide(layer.window, codes, one)


def pool(layer: MaxPool, codes: list[int]) -> list[int]:
    def one(taps: list[Under]) -> list[int]:
        best = []
        for minimum, channel in zip(layer.minimum.tolist(), taps, strict=True):
            values = [decode(layer.input, tap) for tap in channel if tap is not None]
            best.append(encode(layer.input, min(values) if minimum else max(values)))
        return best

    return slide(layer.window, codes, one)


def total(layer: SumPool, codes: list[int]) -> list[int]:
    def value(tap: int | None) -> int:
        if tap is None:
            return 0
        return tap if layer.input.kind == "bipolar" else decode(layer.input, tap)

    return slide(layer.window, codes, lambda taps: [encode(layer.output, sum(map(value, channel))) for channel in taps])


def by_position(layer: Quantize | Affine, codes: list[int], function: Callable[[list[int]], list[int]]) -> list[int]:
    """``function`` of the values at each position, one per channel."""
    values = [decode(layer.input, code) for code in codes]
    channels = layer.shape[0]
    return [code for at in range(0, len(values), channels) for code in function(values[at : at + channels])]


def affine(layer: Affine, values: list[int]) -> list[int]:
    parameters = zip(layer.multiplier.tolist(), values, layer.offset.tolist(), strict=True)
    return [encode(layer.output, m * x + o) for m, x, o in parameters]


def follow(layers: tuple[Layer, ...], dtype: DataType, codes: list[int], results: dict[str, list[int]]) -> list[int]:
    """The values that a chain of layers emits; every layer's codes go into ``results``."""
    for layer in layers:
        match layer:
            case Dense():
                codes, dtype = emit(layer, codes), layer.output
            case Conv2d():
                codes, dtype = convolve(layer, codes), layer.output
            case Lookup():
                codes, dtype = look_up(layer, codes), layer.output
            case LookupConv():
                codes, dtype = look_up_under(layer, codes), layer.output
            case MaxPool():
                codes, dtype = pool(layer, codes), layer.output
            case SumPool():
                codes, dtype = total(layer, codes), layer.output
            case Quantize(activation=Thresholds() as thresholds):
                codes = by_position(layer, codes, lambda values, t=thresholds: fire(t, values))
                dtype = layer.output
            case Quantize(activation=FloatActivation() as activation):
                codes = by_position(layer, codes, lambda values, a=activation: quantize(a, values))
                dtype = layer.output
            case Affine():
                codes, dtype = by_position(layer, codes, lambda values, a=layer: affine(a, values)), layer.output
            case Residual():
                body = follow(layer.body, dtype, codes, results)
                shortcut = follow(layer.shortcut, dtype, codes, results)
                codes = [encode(layer.output, a + b) for a, b in zip(body, shortcut, strict=True)]
                dtype = layer.output
            case _:
                raise AssertionError(layer)
        results[layer.name] = codes
    return [decode(dtype, code) for code in codes]


def run(network: Network, codes: list[int]) -> dict[str, list[int]]:
    """Every layer's result for one frame, as :func:`bnnhw.reference.trace` gives it."""
    results: dict[str, list[int]] = {}
    output = network.output
    results[network.chain[-1].name] = last = follow(network.chain, network.input.dtype, codes, results)
    tail = zip(output.multiplier.tolist(), last, output.offset.tolist(), strict=True)
    results[output.name] = [m * a + o for m, a, o in tail]
    return results


def run_trained(network: Network, codes: list[int]) -> list[float]:
    """The scores of a network that ends in steps, by the formula as trained."""
    results: dict[str, list[int]] = {}
    values, last = follow(network.chain, network.input.dtype, codes, results), network.chain[-1]
    if isinstance(last, Dense) and last.activation is None:
        values = dot(last, results[network.chain[-2].name] if len(network.chain) > 1 else codes)
    return chain(network.output.steps, values)


def winner(scores: list[int]) -> int:
    """The first of the highest; 1 for a single one that is not negative, otherwise 0."""
    return scores.index(max(scores)) if len(scores) > 1 else int(scores[0] >= 0)
