"""The converters of docs/models.md, on models that hold what DWN's, difflogic's, torchlogix' and LogicNets' hold.

The stand-ins compute as these packages do, in their words: by tables with the first input lowest, by formulas of
gates, by tables with the first input highest, by lists of states.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bnnhw.frontend import read_model
from bnnhw.reference import evaluate
from tests.frontend.table_models import Arrays

torch = pytest.importorskip("torch")

TEXT = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def snippet(name: str) -> Callable[..., Any]:
    (block,) = re.findall(rf"```python\n((?:(?!```).)*?def {name}\(.*?)```", TEXT, re.DOTALL)
    made: dict[str, Any] = {}
    exec(block, made)
    return made[name]


def scores(arrays: Arrays, samples: Any, path: Path) -> np.ndarray[Any, Any]:
    """Of both files that the document shows how to write."""
    np.savez(path / "m.npz", **arrays)
    snippet("save_tables")(path / "m.safetensors", arrays)
    found = []
    for name in ("m.npz", "m.safetensors"):
        network = read_model(path / name).network
        found.append(evaluate(network, network.input.encode(np.asarray(samples))).scores)
    assert np.array_equal(*found)
    return found[0]


def group_sum(x: Any, k: int) -> Any:
    """As the packages do: zeros behind what is no multiple, then sums of groups."""
    x = torch.nn.functional.pad(x, (0, -x.shape[1] % k))
    return x.reshape(len(x), k, -1).sum(dim=-1).numpy()


def lut_layer(x: Any, mapping: Any, luts: Any) -> Any:
    """Bit ``l`` of an address is the input ``l``."""
    out = torch.zeros(len(x), len(luts))
    for j, (read, row) in enumerate(zip(mapping, luts, strict=True)):
        address = sum((x[:, int(source)] > 0).long() << place for place, source in enumerate(read))
        out[:, j] = (row[address] > 0).float()
    return out


@pytest.mark.parametrize("per_feature", [True, False])
def test_dwn(per_feature: bool, tmp_path: Path) -> None:
    """Learned wiring in front of a fixed one; 11 neurons of 3 classes, in an order of their own."""
    torch.manual_seed(int(per_feature))
    x = torch.randn(40, 5).round(decimals=1)
    thresholds = x.sort(dim=0).values[[10, 20, 30]].T if per_feature else torch.tensor([-0.5, 0.0, 0.5])
    wiring = torch.rand(15, 12 * 4)
    layers = [
        SimpleNamespace(mapping=SimpleNamespace(weights=wiring), luts=torch.rand(12, 16) * 2 - 1, output_size=12, n=4),
        SimpleNamespace(
            mapping=torch.randint(0, 12, (11, 6)).int(), luts=torch.rand(11, 64) * 2 - 1, output_size=11, n=6
        ),
    ]
    order = torch.randperm(11) if per_feature else None
    model = (*layers, SimpleNamespace(k=3, randperm=order))
    arrays = snippet("from_dwn")(model, SimpleNamespace(thresholds=thresholds, num_bits=3), (5,))
    bits = (x.unsqueeze(-1) > thresholds).float().flatten(start_dim=1)
    hidden = lut_layer(
        bits, torch.arange(48).reshape(12, 4).apply_(lambda i: int(wiring.argmax(dim=0)[i])), layers[0].luts
    )
    last = lut_layer(hidden, layers[1].mapping, layers[1].luts)
    due = group_sum(last if order is None else last[:, order], 3)
    assert np.array_equal(scores(arrays, x, tmp_path), 2 * due)


GATES = (
    *(lambda a, b: 0 * a, lambda a, b: a * b, lambda a, b: a - a * b, lambda a, b: a),
    *(lambda a, b: b - a * b, lambda a, b: b, lambda a, b: a + b - 2 * a * b, lambda a, b: a + b - a * b),
    *(lambda a, b: 1 - (a + b - a * b), lambda a, b: 1 - (a + b - 2 * a * b), lambda a, b: 1 - b),
    *(lambda a, b: 1 - b + a * b, lambda a, b: 1 - a, lambda a, b: 1 - a + a * b, lambda a, b: 1 - a * b),
    lambda a, b: 0 * a + 1,
)
"""The gates of difflogic by their numbers, as functions of 0 and 1."""


def test_difflogic(tmp_path: Path) -> None:
    torch.manual_seed(0)
    shapes = ((6, 16), (16, 16), (16, 8))
    layers = [
        SimpleNamespace(indices=tuple(torch.randint(0, i, (2, o))), weights=torch.eye(16)[torch.randperm(16)[:o]])
        for i, o in shapes
    ]
    arrays = snippet("from_difflogic")((SimpleNamespace(), *layers, SimpleNamespace(k=2)), (6,))
    x = samples = torch.tensor(list(product((0.0, 1.0), repeat=6)))
    for layer in layers:
        a, b = (x[:, index] for index in layer.indices)
        gates = layer.weights.argmax(dim=-1)
        x = torch.stack([GATES[int(gate)](a[:, n], b[:, n]) for n, gate in enumerate(gates)], dim=1)
    assert np.array_equal(scores(arrays, samples, tmp_path), 2 * group_sum(x, 2))


@pytest.mark.parametrize("learned", [True, False])
def test_torchlogix(learned: bool, tmp_path: Path) -> None:
    """Six inputs by learned wiring or two by a fixed one; thresholds per feature, or one for all."""
    torch.manual_seed(int(learned))
    rank, x = (6, 2)[not learned], torch.randn(30, 4)
    thresholds = torch.randn(4, 2).sort(dim=1).values if learned else torch.tensor([0.25])
    bits = (x.unsqueeze(-1) > thresholds).float().flatten(1)
    read, luts = torch.randint(0, bits.shape[1], (rank, 9)), torch.rand(9, 1 << rank) < 0.5
    wiring = SimpleNamespace(indices=read)
    if learned:
        candidates = torch.randint(0, bits.shape[1], (3, rank, 9))
        wiring = SimpleNamespace(indices=candidates, weights=torch.rand(3, rank, 9))
        best = wiring.weights.argmax(dim=0)
        read = torch.stack([candidates[best[r, n], r, n] for r in range(rank) for n in range(9)]).reshape(rank, 9)
    layer = SimpleNamespace(connections=wiring, get_luts=lambda: luts)
    model = [SimpleNamespace(get_thresholds=lambda: thresholds), SimpleNamespace(), layer, SimpleNamespace(k=3)]
    sequential = type("Sequential", (list,), {"eval": lambda self: self})(model)
    arrays = snippet("from_torchlogix")(sequential, (4,))
    address = sum(bits[:, read[place]].long() << (rank - 1 - place) for place in range(rank))
    due = group_sum(luts[torch.arange(9), address].float(), 3)
    assert np.array_equal(scores(arrays, x, tmp_path), 2 * due)


def quantizer(bits: int, low: int, high: int) -> SimpleNamespace:
    return SimpleNamespace(
        get_bin_state_space=lambda: torch.arange(low, high + 1), get_scale_factor_bits=lambda: (0.5, torch.tensor(bits))
    )


def test_logicnets(tmp_path: Path) -> None:
    """Signed inputs without the least value, hidden neurons of 1 and 2 inputs, signed outputs."""
    random = np.random.default_rng(0)
    quantizers = [quantizer(3, -3, 3), quantizer(2, 0, 3), quantizer(2, -2, 1)]
    layers: list[Any] = []
    for (inputs, neurons), before, after in zip(((5, 8), (8, 4)), quantizers[:2], quantizers[1:], strict=True):
        found = []
        for neuron in range(neurons):
            read = random.choice(inputs, 2 - (neuron == 3), replace=False)
            space = before.get_bin_state_space().tolist()
            states = [row[::-1] for row in product(space, repeat=len(read))]
            emitted = random.choice(after.get_bin_state_space().numpy(), len(states))
            found.append((tuple(map(torch.tensor, read)), torch.tensor(states).float(), None, torch.tensor(emitted)))
        layers.append(
            SimpleNamespace(
                in_features=inputs,
                out_features=neurons,
                input_quant=before,
                output_quant=after,
                neuron_truth_tables=found,
            )
        )
    arrays = snippet("from_logicnets")(layers)
    samples = x = random.integers(-3, 4, (50, 5))
    for layer in layers:
        out = np.zeros((len(x), layer.out_features), int)
        for neuron, (read, states, _, emitted) in enumerate(layer.neuron_truth_tables):
            held = {tuple(map(int, row)): int(code) for row, code in zip(states, emitted, strict=True)}
            out[:, neuron] = [held[tuple(row)] for row in x[:, [int(i) for i in read]].tolist()]
        x = out
    assert np.array_equal(scores(arrays, samples + 3, tmp_path), 2 * (x + 2))
