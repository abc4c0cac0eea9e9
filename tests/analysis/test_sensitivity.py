"""Disturbances do what they say, and what is measured of them is what the reference says of the network disturbed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnnhw.analysis import activation_sites, measure
from bnnhw.analysis.sensitivity import Runner, disturb
from bnnhw.errors import NetworkError, RequestError
from bnnhw.ir import BitMatrix, DataType, Dense, Network, Residual, Thresholds, WeightPlane, walk
from bnnhw.reference import evaluate, trace
from tests.cli.conftest import make_network
from tests.map_strategies import map_networks
from tests.strategies import fixed, frames

BIPOLAR = DataType("bipolar", 1)


def random() -> np.random.Generator:
    return np.random.default_rng(3)


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(5)
    return generator.integers(0, 16, (count, 64), np.uint8), generator.integers(0, 10, count)


@pytest.mark.parametrize(
    "dtype, codes, expected",
    [
        (BIPOLAR, [0, 1], [1, 0]),
        # Ends have one way to go.
        (DataType("uint", 2), [0, 3], [1, 2]),
        # -2 is code 2 and goes to -1, 1 goes to 0.
        (DataType("int", 2), [2, 1], [3, 0]),
    ],
    ids=str,
)
def test_all_of_them_move_by_one_level(dtype: DataType, codes: list[int], expected: list[int]) -> None:
    assert disturb(dtype, np.array([codes], np.uint8), 1.0, random()).tolist() == [expected]


def test_between_the_ends_both_ways_are_taken() -> None:
    dtype, codes = DataType("int", 4), np.full((50, 40), 3, np.uint8)
    found = dtype.values(disturb(dtype, codes, 1.0, random()))
    assert sorted(set(found.ravel().tolist())) == [2, 4]
    assert 900 < (found == 4).sum() < 1100


def test_rate_is_the_share_that_moves() -> None:
    codes = np.zeros((200, 100), np.uint8)
    found = disturb(BIPOLAR, codes, 0.25, random())
    assert found.dtype == np.uint8
    # 20,000 draws: four standard deviations are 245.
    assert abs(int(found.sum()) - 5000) < 245


def _complemented(layer: Dense) -> Dense:
    """The layer whose every input bit is the opposite: its weights are."""
    planes = tuple(WeightPlane(p.coefficient, BitMatrix.from_bits(1 - p.bits.bits())) for p in layer.weights)
    return replace(layer, weights=planes)


def test_all_bits_flipped_is_the_network_with_the_next_weights_complemented() -> None:
    network = make_network((64, 12, 8, 10))
    codes, _ = digits(300)
    clean = evaluate(network, codes)
    labels = clean.classes
    first, second, last, output = network.layers
    assert isinstance(second, Dense) and isinstance(last, Dense)
    found = measure(network, codes, labels, rate=1.0, repeats=2)
    assert (found.frames, found.accuracy, found.rate, found.seed) == (300, 1.0, 1.0, 0)
    assert [m.site for m in found.sites] == list(activation_sites(network))
    changed = {"dense0": (first, _complemented(second), last), "dense1": (first, second, _complemented(last))}

    def centred(scores: np.ndarray) -> np.ndarray:
        return scores - scores.mean(axis=1, keepdims=True)

    for measurement in found.sites[1:]:
        other = evaluate(Network(network.input, (*changed[measurement.site.name], output)), codes)
        share = float((other.classes != labels).mean())
        assert share > 0
        assert measurement.changed == share
        assert measurement.accuracy_drop == pytest.approx(share, abs=1e-12)
        noise = np.square(centred(other.scores - clean.scores)).sum() / np.square(centred(clean.scores)).sum()
        assert measurement.noise == pytest.approx(noise, rel=1e-12)


def test_what_nothing_depends_on_does_not_matter() -> None:
    network = make_network((64, 12, 8, 10))
    first, second, last, output = network.layers
    assert isinstance(second, Dense)
    # Its neurons fire whatever they see.
    constant = replace(second, activation=Thresholds(np.zeros((8, 1), int), BIPOLAR))
    codes, labels = digits(100)
    found = measure(Network(network.input, (first, constant, last, output)), codes, labels, rate=0.5)
    figures = {m.site.name: (m.accuracy_drop, m.changed, m.noise) for m in found.sites}
    assert figures["input"] == figures["dense0"] == (0.0, 0.0, 0.0)
    assert figures["dense1"][1] > 0 and figures["dense1"][2] > 0


@fixed
@given(st.data())
def test_runs_as_the_reference_does(data: st.DataObject) -> None:
    """Layer by layer, and inside residual layers too, where the changes change nothing."""
    network = data.draw(map_networks(streamlined=True))
    codes = data.draw(frames(network, 4))
    expected = trace(network, codes)
    layers = network.layers[:-2]
    seen: dict[str, np.ndarray] = {}

    def keep(name: str, values: np.ndarray) -> np.ndarray:
        seen[name] = values
        return values

    names = [layer.name for layer in walk(layers)]
    changes = {name: lambda values, name=name: keep(name, values) for name in names}
    runner = Runner(layers)
    assert runner.run(layers, codes, changes).tolist() == runner.run(layers, codes, {}).tolist()
    assert sorted(seen) == sorted(names)
    assert all(seen[name].tolist() == expected[name].tolist() for name in names)


@fixed
@given(map_networks(streamlined=True, kinds=("residual", "conv"), max_layers=2), st.data())
def test_every_site_is_disturbed(network: Network, data: st.DataObject) -> None:
    codes = data.draw(frames(network, 4))
    labels = evaluate(network, codes).classes
    found = measure(network, codes, labels, rate=1.0, repeats=1)
    assert found.accuracy == 1.0
    assert [m.site for m in found.sites] == list(activation_sites(network))
    # All labels are the undisturbed classes.
    assert all(m.accuracy_drop == pytest.approx(m.changed) for m in found.sites)


def test_a_disturbed_residual_layer() -> None:
    """By hand: identity plus a convolution whose bits are all flipped, then an argmax of two sums."""
    from tests.analysis.test_activations import residual_network

    network = residual_network()
    codes = np.random.default_rng(0).integers(0, 2, (20, 32), np.uint8)
    block = network.layers[1]
    assert isinstance(block, Residual)
    given = Runner(network.layers).run(network.layers[:1], codes, {})
    inner = Runner(block.body).run(block.body, given, {})
    flipped = Runner((block,)).run((block,), given, {"inner": lambda values: 1 - values})
    # +-1 and +-1 in a type of -2..1 or wider.
    assert block.output.values(flipped).tolist() == ((2 * given.astype(int) - 1) - (2 * inner.astype(int) - 1)).tolist()


def test_a_seed_decides() -> None:
    network, (codes, labels) = make_network(), digits(200)
    assert measure(network, codes, labels, seed=4) == measure(network, codes, labels, seed=4)
    assert measure(network, codes, labels, seed=4) != measure(network, codes, labels, seed=5)


def test_progress_reaches_its_end() -> None:
    network, (codes, labels) = make_network(), digits(10)
    told: list[tuple[int, int]] = []
    measure(network, codes, labels, repeats=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(n, 4) for n in range(1, 5)]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"rate": 0.0}, r"^rate must be above 0 and at most 1, not 0\.0$"),
        ({"rate": 1.5}, r"^rate must be above 0 and at most 1, not 1\.5$"),
        ({"rate": float("nan")}, r"^rate must be above 0 and at most 1, not nan$"),
        ({"repeats": 0}, r"^repeats must be at least 1 and seed at least 0, not 0 and 0$"),
        ({"seed": -1}, r"^repeats must be at least 1 and seed at least 0, not 5 and -1$"),
    ],
)
def test_refused(options: dict[str, float], message: str) -> None:
    codes, labels = digits(4)
    with pytest.raises(RequestError, match=message):
        measure(make_network(), codes, labels, **options)  # type: ignore[arg-type]


def test_refused_frames() -> None:
    codes, labels = digits(4)
    with pytest.raises(RequestError, match=r"^labels must be one for each of at least one frame, not \(3,\)$"):
        measure(make_network(), codes, labels[:3])
    with pytest.raises(RequestError, match=r"^labels must be one for each of at least one frame, not \(0,\)$"):
        measure(make_network(), codes[:0], labels[:0])
    with pytest.raises(NetworkError, match=r"^codes must be uint8 of shape \(frames, 64\), not uint8 of \(4, 63\)$"):
        measure(make_network(), codes[:, 1:], labels)
