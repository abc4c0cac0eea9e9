"""A second implementation of the IR, bit by bit and with Python integers: short enough to be believed."""

from __future__ import annotations

from bnnhw.ir import Dense, Network, Thresholds


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


def fire(activation: Thresholds, accumulators: list[int]) -> list[int]:
    """Output codes: the level is how many thresholds are met; a signed type's level 0 is its least value."""
    codes = []
    for acc, row in zip(accumulators, activation.values.tolist(), strict=True):
        level = sum(1 for threshold in row if acc >= threshold)
        value = activation.dtype.minimum + level
        codes.append(level if activation.dtype.kind == "bipolar" else value % (1 << activation.dtype.bits))
    return codes


def run(network: Network, codes: list[int]) -> dict[str, list[int]]:
    """Every layer's result for one frame, as :func:`bnnhw.reference.trace` gives it."""
    results = {}
    for layer in network.dense:
        accumulators = accumulate(layer, codes)
        if isinstance(layer.activation, Thresholds):
            accumulators = codes = fire(layer.activation, accumulators)
        results[layer.name] = accumulators
    output = network.output
    tail = zip(output.multiplier.tolist(), accumulators, output.offset.tolist(), strict=True)
    results[output.name] = [m * a + o for m, a, o in tail]
    return results


def winner(scores: list[int]) -> int:
    """The first of the highest."""
    return scores.index(max(scores))
