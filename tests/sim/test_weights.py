"""Weights of a simulated board: from its flash at power-up, and over its link while frames flow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from bnnhw import reference
from bnnhw.cli import cli
from bnnhw.errors import CheckError, RequestError
from bnnhw.flow.built import Built, open_built
from bnnhw.flow.load import image_for
from bnnhw.folding import FoldedNetwork
from bnnhw.ir import Network, Output, archive
from bnnhw.links.packets.device import NO_WEIGHTS, Device
from bnnhw.links.packets.protocol import pack_codes
from bnnhw.sim.board import SimulatedPort, compile_board
from bnnhw.sim.model import Model
from tests.build.networks import random_network
from tests.needs import needs
from tests.sim.weights import BOARD, IDENTITY, ONE, OTHER, SIZES, build, packed

pytestmark = pytest.mark.xdist_group("virtual board")

CODES = np.random.default_rng(3).integers(0, 2, (60, SIZES[0])).astype(np.uint8)


def due(folded: FoldedNetwork) -> NDArray[np.int64]:
    """Class and score of every frame."""
    found = reference.evaluate(folded.network, CODES)
    return np.stack([found.classes, found.scores.max(axis=1)], axis=1)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return open_built(build(tmp_path_factory.mktemp("weights") / "built"))


@pytest.fixture(scope="module")
def board(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The top of the board's design with a flash at its pins."""
    needs("verilator", "c++")
    cache = tmp_path_factory.getbasetemp() / "cache" / "bnnhw" / "models"
    return compile_board(built.sources("rtl"), built.board, built.link, flash=True, cache=cache)


def power_up(board: Model, contents: bytes) -> SimulatedPort:
    assert BOARD.image_offset is not None
    return SimulatedPort(board, {BOARD.image_offset: contents})


def host(port: SimulatedPort) -> Device:
    """No packet is ever unfinished here: silence need not be long."""
    return Device(port, clock=port.clock, settle_s=0.001, quiet_s=0.002)


def answers(device: Device, frames: range = range(len(CODES))) -> Iterator[tuple[int, int]]:
    return ((result.index, result.score) for result in device.run(pack_codes(CODES[n], 1) for n in frames))


def test_weights_from_the_flash_and_over_the_link(board: Model) -> None:
    """Every answer is wholly the old network's or wholly the new one's, in the order of the frames."""
    old, new = due(ONE), due(OTHER)
    assert (old != new).any(axis=1).mean() > 0.8
    port = power_up(board, packed(ONE))
    device = host(port)
    assert device.info.identity == IDENTITY
    results: list[tuple[int, int]] = []
    for number, answer in enumerate(answers(device)):
        results.append(answer)
        if number == 20:
            device.load(packed(OTHER))
    found = np.array(results)
    switch = next(n for n in range(len(CODES)) if np.array_equal(found[n:], new[n:]))
    # Frames that were on their way when the image was announced are answered by the network that was there.
    assert 21 < switch <= 26
    assert np.array_equal(found[:switch], old[:switch])
    # A damaged image leaves no weights, until a good one comes.
    damaged = bytearray(packed(ONE))
    damaged[40] ^= 1
    with pytest.raises(CheckError, match=r"^the image was sent 5 times in vain, .* damaged, or another design's"):
        device.load(bytes(damaged))
    with pytest.raises(CheckError) as error:
        next(answers(device))
    assert str(error.value) == NO_WEIGHTS
    device.load(packed(ONE))
    assert np.array_equal(list(answers(device)), old)
    port.close()


def test_a_flash_without_the_image(board: Model) -> None:
    """No frame is taken, and the host says why; an image over the link mends it."""
    good = packed(ONE)
    for contents in (b"", good[:-3], good[:50] + bytes([good[50] ^ 8]) + good[51:], packed(ONE, IDENTITY ^ 1)):
        port = power_up(board, contents)
        device = host(port)
        with pytest.raises(CheckError) as error:
            next(answers(device))
        assert str(error.value) == NO_WEIGHTS
        if contents == b"":
            device.load(good)
            assert np.array_equal(list(answers(device)), due(ONE))
        port.close()


def test_verbs(board: Model, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same by the command line: `load`, and `run --weights`, against the reference of what was loaded."""
    # Where the model is compiled already.
    monkeypatch.setenv("XDG_CACHE_HOME", str(board.program.parent.parent.parent))
    archive.save(OTHER.network, tmp_path / "other.bnn")

    def said(*words: object) -> dict[str, object]:
        result = CliRunner().invoke(cli, [*map(str, words), "--virtual", "--json"])
        assert result.exit_code == 0, result.stderr
        return json.loads(result.stdout)

    crc = int.from_bytes(packed(OTHER)[-4:], "little")
    assert said("load", built.folder, tmp_path / "other.bnn") == {
        "loaded": str(tmp_path / "other.bnn"),
        "crc": f"{crc:08x}",
        "port": "virtual",
    }
    answer = said("run", built.folder, "--weights", tmp_path / "other.bnn", "--random", 12, "--check")
    assert (answer["frames"], answer["differences"]) == (12, 0)


def other(**changed: object) -> Network:
    return replace(OTHER.network, **changed)  # type: ignore[arg-type]


SHAPES = {
    r"layer fc1 must be dense of 16 x 1 x 1 to 12 x 1 x 1, .* not dense of 16 x 1 x 1 to 11 x 1 x 1, .*\(fc1\)$": (
        random_network([24, 16, 11, 7], 3)
    ),
    r"it must have 3 layers as that has, not 2$": random_network([24, 16, 7], 3),
    r"its samples must be encoded as they are there: its input differs$": random_network([25, 16, 12, 7], 3),
    r"and layer scores has other such values there$": other(
        layers=(*OTHER.network.chain, Output("scores", np.arange(1, 8), np.zeros(7, np.int64)))
    ),
}


@pytest.mark.parametrize("message", SHAPES)
def test_a_network_of_another_shape(message: str, built: Built) -> None:
    with pytest.raises(RequestError, match=rf"^the network does not have the shape of .*: .*{message}"):
        image_for(built, SHAPES[message])


def test_what_is_fixed(built: Built) -> None:
    """Layers that are not writable have to be the same, and a design without any is told so."""
    assert image_for(built, OTHER.network) == packed(OTHER)
    fixed = replace(built, report={**built.report, "writable": False})
    with pytest.raises(RequestError, match=r": its weights can't be replaced: build it with --writable$"):
        image_for(fixed, OTHER.network)
    assert BOARD.filled_sprams == 4
    assert built.identity == IDENTITY
    halves = FoldedNetwork(OTHER.network, (replace(ONE.foldings[0], writable=False), *ONE.foldings[1:]))
    assert halves.graph(BOARD.family.technology).nodes[0].unit.blank() != (
        replace(halves, network=ONE.network).graph(BOARD.family.technology).nodes[0].unit.blank()
    )
