"""The bench: any word width, stalls, hangs, broken contracts, waves, cycle stamps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bnnhw.errors import CheckError, ToolError
from bnnhw.sim import model
from bnnhw.sim.harness import Harness
from bnnhw.sim.ports import Interface, Port
from bnnhw.sim.words import pack_frames
from tests.sim.core import WORDS, Make, expected, random_words

WAIT = 5


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize(("width", "score_width"), [(1, 12), (7, 12), (33, 12), (65, 32), (130, 40)])
def test_widths_and_stalls(make_core: Make, width: int, score_width: int, stall: float) -> None:
    core = make_core(width, score_width=score_width)
    words = random_words(50, width)
    recording = core.run(words, stall=stall, seed=width)
    index, score = expected(words, 20)
    np.testing.assert_array_equal(recording.outputs["index"], index)
    np.testing.assert_array_equal(recording.outputs["score"], score)
    assert (score < 0).any() or width > 7


def test_cycles(make_core: Make) -> None:
    """The core's cycles, counted by hand: 3 words in, WAIT + 1 cycles of waiting, 1 to offer."""
    recording = make_core(7).run(random_words(20, 7))
    np.testing.assert_array_equal(np.diff(recording.offered), WORDS + WAIT + 1)
    np.testing.assert_array_equal(recording.offered - recording.accepted, WORDS + WAIT + 1)
    np.testing.assert_array_equal(recording.taken, recording.offered)
    assert recording.accepted[0] == 0


def test_stalls_cost_cycles(make_core: Make) -> None:
    core = make_core(7)
    words = random_words(200, 7)
    calm, stalled, other = (core.run(words, stall=p, seed=s) for p, s in ((0.0, 1), (0.7, 1), (0.7, 2)))
    assert stalled.taken[-1] > calm.taken[-1] * 1.3
    assert (stalled.taken >= stalled.offered).all() and (stalled.taken > stalled.offered).any()
    assert not np.array_equal(stalled.taken, other.taken)
    np.testing.assert_array_equal(core.run(words, stall=0.7, seed=1).taken, stalled.taken)


def test_parts_give_the_same(make_core: Make) -> None:
    core = make_core(33)
    words = random_words(1100, 33)
    seen: list[tuple[int, int]] = []
    whole, halves = core.run(words), core.run(words, jobs=2, progress=lambda done, of: seen.append((done, of)))
    assert (whole.parts, halves.parts) == ((0,), (0, 550))
    for name, values in whole.outputs.items():
        np.testing.assert_array_equal(halves.outputs[name], values)
    np.testing.assert_array_equal(halves.offered[:550], whole.offered[:550])
    np.testing.assert_array_equal(halves.offered[550:], whole.offered[:550])
    assert seen[-1] == (1100, 1100)


def test_no_frames(make_core: Make) -> None:
    recording = make_core(7).run(random_words(0, 7))
    assert [len(values) for values in recording.outputs.values()] == [0, 0]


def test_hang_is_named(make_core: Make) -> None:
    core = make_core(7, fault="if (sum == 7) waited <= 0;")
    words = random_words(200, 7)
    first = int(np.argmax(expected(words, 0)[1] == 7))
    assert first > 0
    with pytest.raises(CheckError, match=rf"^core: stuck at frame {first}, cycle \d+: no word moved on either side$"):
        core.run(words, watchdog=200)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            "if (output_valid && !output_ready) output__payload__index <= output__payload__index + 1;",
            r"core: changed an output word before it was taken at frame \d+, cycle \d+",
        ),
        (
            "if (output_valid && !output_ready) output_valid <= 0;",
            r"core: withdrew an output word before it was taken at frame \d+, cycle \d+",
        ),
    ],
)
def test_broken_contract(make_core: Make, fault: str, message: str) -> None:
    core = make_core(7, fault=fault)
    core.run(random_words(5, 7))
    with pytest.raises(CheckError, match=f"^{message}$"):
        core.run(random_words(50, 7), stall=0.5)


def test_invented_word(make_core: Make) -> None:
    core = make_core(7, fault="if (waited == 0 && !full && sum == 0 && !input_valid) output_valid <= 1;")
    with pytest.raises(CheckError, match=r"^core: offers a word after the last of 5 frames$"):
        core.run(random_words(5, 7))


def test_state_without_a_value_starts_at_random(make_core: Make) -> None:
    """The core needs its reset; as it powers up, nothing can be relied on."""
    core = make_core(7)
    words = random_words(5, 7)
    index, _ = expected(words, 20)
    seen = []
    for seed in range(4):
        try:
            got = core.run(words, reset_cycles=0, seed=seed, watchdog=100_000, drain=0).outputs
            seen.append(np.array_equal(got["index"], index))
        except CheckError:
            seen.append(False)
    assert not all(seen)


def test_wave(make_core: Make, tmp_path: Path) -> None:
    core = make_core(33, wave=True)
    target = tmp_path / "wave.fst"
    core.run(random_words(20, 33), wave=target, wave_frames=3)
    short = target.read_bytes()
    core.run(random_words(20, 33), wave=target, wave_frames=12)
    # An FST file starts with a header block: type 0, length 329 (FST format, "FST_BL_HDR").
    assert short[:9] == b"\0" + (329).to_bytes(8, "big")
    assert len(target.read_bytes()) > len(short)
    assert list(tmp_path.iterdir()) == [target]


def test_cached(make_core: Make, cache: Path) -> None:
    make_core(7)
    again = make_core(7).model
    assert again.cached and again.verilate_s == 0
    assert make_core(7, offset=21).model.program != again.program


def test_cache_is_bounded(make_core: Make, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = make_core(7).model.program
    old, new = tmp_path / "old.sim", tmp_path / "new.sim"
    for path in (old, new):
        path.write_bytes(program.read_bytes())
    monkeypatch.setattr(model, "CACHE_BYTES", len(program.read_bytes()) + 1)
    model._evict(tmp_path, new)
    assert list(tmp_path.iterdir()) == [new]


def test_verilog_that_does_not_compile(tmp_path: Path) -> None:
    interface = Interface("core", Port.plain("input_payload", 1), 1, (Port.plain("output_payload", 1),))
    with pytest.raises(ToolError, match=r"^Verilator failed: %Error: .*core\.v:1:.*syntax error.*$"):
        Harness({"core.v": "module core(input clk; endmodule\n"}, interface, cache=tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_bad_arguments(make_core: Make) -> None:
    core = make_core(7)
    with pytest.raises(ValueError, match=r"^words must have shape \(frames, 3, 1\), not \(5, 3, 2\)$"):
        core.run(random_words(5, 33))
    with pytest.raises(ValueError, match=r"^stall must be at least 0 and less than 1, not 1\.0$"):
        core.run(random_words(5, 7), stall=1.0)


@pytest.mark.parametrize(
    ("bits", "width", "elements"), [(1, 1, 5), (1, 7, 20), (3, 33, 25), (8, 8, 3), (2, 130, 64), (5, 65, 13)]
)
def test_pack_frames(bits: int, width: int, elements: int) -> None:
    codes = np.random.default_rng(elements).integers(0, 1 << bits, (4, elements)).astype(np.uint8)
    packed = pack_frames(codes, bits, width, seed=3)
    lanes = width // bits
    assert packed.shape == (4, -(-elements // lanes), -(-width // 32))
    for frame in range(4):
        words = [sum(int(limb) << 32 * i for i, limb in enumerate(word)) for word in packed[frame]]
        assert all(word < 1 << width for word in words)
        got = [words[e // lanes] >> (e % lanes * bits) & ((1 << bits) - 1) for e in range(elements)]
        assert got == codes[frame].tolist()
    if elements % lanes:
        assert not np.array_equal(packed, pack_frames(codes, bits, width, seed=4))


def test_pack_frames_width() -> None:
    with pytest.raises(ValueError, match=r"^width must be a multiple of 3, not 7$"):
        pack_frames(np.zeros((1, 4), np.uint8), 3, 7)
