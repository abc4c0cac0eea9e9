"""The files: what they say, that all are written or none, and the example as a program."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

import bnnhw
from bnnhw import reference
from bnnhw.c import to_c, write_c
from bnnhw.c.names import Names, name_of
from bnnhw.c.parts import GLOBAL
from bnnhw.c.scratch import Span, place
from bnnhw.errors import BnnhwError, NetworkError, RequestError
from bnnhw.ir import BatchNorm, Dense, Network, Output, batch_norm_sign
from tests.c.compiled import CHECKED, compile_c, run_c
from tests.cli.conftest import make_network, snapshot

MODEL = Path(__file__).resolve().parents[2] / "models" / "digits.onnx"


def lines(network: Network, samples: np.ndarray) -> list[str]:
    """What the example prints."""
    found = reference.evaluate(network, network.input.encode(samples))
    return [
        f"{label}: {' '.join(map(str, scores))}"
        for label, scores in zip(found.classes, found.scores.tolist(), strict=True)
    ]


def test_digits(tmp_path: Path) -> None:
    """A whole test split through the example, in text and in bytes."""
    network = bnnhw.read(MODEL)
    samples, labels = bnnhw.datasets.load_split("digits", "test")
    flat = samples.reshape(len(samples), -1)
    expected = lines(network, flat)
    correct = sum(int(line.split(":")[0]) == label for line, label in zip(expected, labels, strict=True))
    assert (len(expected), correct / len(expected) > 0.97) == (359, True)
    for kind, word_bits in (("uint8", 32), ("float", 64)):
        write_c(network, tmp_path / "digits.c", samples=kind, word_bits=word_bits)
        program = compile_c(tmp_path, "digits.c", "digits_main.c", flags=CHECKED)
        assert run_c(program)[-1] == "as expected"
        assert run_c(program, "-b", data=flat.astype(kind if kind == "uint8" else np.float32).tobytes()) == expected
        text = "\n".join(", ".join(map(str, frame)) for frame in flat.tolist())
        assert run_c(program, "-", data=text.encode()) == expected


def test_the_example_and_what_it_does_not_read(tmp_path: Path) -> None:
    network = make_network((5, 3))
    write_c(network, tmp_path / "net.c", samples="uint8")
    program = compile_c(tmp_path, "net.c", "net_main.c")
    assert run_c(program, "-", data=b"") == run_c(program, "-", data=b" \n ") == []
    whole = np.array([[1, 2, 3, 4, 250]])
    assert run_c(program, "-", data=b"1 2;3,4\n\t250\n") == lines(network, whole)
    for data in (b"1 2 3 4", b"1 2 3 4 5 6", b"1 2 x 4 5", b"1 2 3 4 256", b"1 2 3 4 -1", b"1 2 3 4 nan"):
        run_c(program, "-", data=data, code=2)
    run_c(program, "-b", data=b"1234", code=2)
    for arguments in (("-x",), ("-", "-b")):
        run_c(program, *arguments, code=2)
    # A program that computes something else says so.
    text = (tmp_path / "net.c").read_text()
    weights = re.search(r"_weights\[\d+\] = \{\s+0x(\w+)", text)
    assert weights is not None
    (tmp_path / "net.c").write_text(text.replace(f"0x{weights[1]}", hex(int(weights[1], 16) ^ 31), 1))
    assert run_c(compile_c(tmp_path, "net.c", "net_main.c"), code=1)[-1] == "NOT as expected"


def test_header_in_cpp_and_what_the_source_includes(tmp_path: Path) -> None:
    write_c(make_network(), tmp_path / "net.c")
    write_c(make_network(seed=2), tmp_path / "Net2.c", name="Net")
    (tmp_path / "use.cpp").write_text(
        '#include "net.h"\n#include "net.h"\n#include "Net2.h"\nint (*run)(net_scratch *, net_score *) = net_run;\n'
    )
    done = subprocess.run(
        ["c++", "-Wall", "-Wextra", "-pedantic", "-Werror", "-c", "use.cpp"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    texts = [(tmp_path / name).read_text() for name in ("net.c", "net.h")]
    assert {name for text in texts for name in re.findall(r"#include (\S+)", text)} == {
        '"net.h"', "<stddef.h>", "<stdint.h>",
    }  # fmt: skip
    object_file = subprocess.run(["cc", "-std=c99", "-O1", "-c", "net.c"], cwd=tmp_path, capture_output=True, text=True)
    assert object_file.returncode == 0, object_file.stderr
    symbols = subprocess.run(["nm", "net.o"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    outer = {line.split()[-1].lstrip("_"): line.split()[-2] for line in symbols.splitlines()}
    assert {name for name, kind in outer.items() if kind == "T"} == {"net_encode", "net_run", "net_classify"}
    assert {name for name, kind in outer.items() if kind in "DdBbC"} == set(), "memory that is written to"
    # A compiler may make calls of loops that clear.
    assert {name for name, kind in outer.items() if kind == "U"} <= {
        "memset",
        "_stack_chk_fail",
        "GLOBAL_OFFSET_TABLE_",
    }


def test_the_same_network_gives_the_same_text(tmp_path: Path) -> None:
    network = make_network()
    write_c(network, tmp_path / "net.c")
    before = snapshot(tmp_path)
    write_c(network, tmp_path / "net.c")
    assert snapshot(tmp_path) == before
    for path in tmp_path.iterdir():
        assert all(line == line.rstrip() and len(line) <= 130 for line in path.read_text().splitlines())


@pytest.mark.parametrize("taken", ["net.c", "net.h", "net_main.c"])
@pytest.mark.parametrize("state", ["another's", "edited", "a folder"])
def test_over_what_is_not_ours(taken: str, state: str, tmp_path: Path) -> None:
    if state == "a folder":
        (tmp_path / taken).mkdir()
    elif state == "edited":
        write_c(make_network(), tmp_path / "net.c")
        with (tmp_path / taken).open("a") as file:
            file.write("/* mine */\n")
    else:
        (tmp_path / taken).write_text("int precious;\n")
    before = snapshot(tmp_path)
    with pytest.raises(RequestError, match=f"^{re.escape(str(tmp_path / taken))}: "):
        write_c(make_network(seed=2), tmp_path / "net.c")
    assert snapshot(tmp_path) == before


def test_two_files_that_are_one(tmp_path: Path) -> None:
    (tmp_path / "net.h").symlink_to(tmp_path / "net.c")
    with pytest.raises(RequestError, match="can't be two outputs at once"):
        write_c(make_network(), tmp_path / "net.c")
    assert [path.name for path in tmp_path.iterdir()] == ["net.h"]


def test_names(tmp_path: Path) -> None:
    assert [name_of(stem) for stem in ("lfc-w1a1", "1a", "", "é", "a" * 99)] == [
        "lfc_w1a1", "network_1a", "network_", "network__", "a" * 40,
    ]  # fmt: skip
    # A layer called t would be uint8_t.
    assert Names("uint8", GLOBAL).unique("t") == "uint8_t_2"
    found = bnnhw.export(make_network(), tmp_path / "int.c", name="Heart_1")
    assert found is not None and found.code.name == "Heart_1"
    assert "int Heart_1_run(Heart_1_scratch *" in found.header.read_text()
    found = bnnhw.export(make_network(), tmp_path / "1 é.c")
    assert found is not None and found.code.name == "network_1__"
    assert run_c(compile_c(tmp_path, "1 é.c", "1 é_main.c"))[-1] == "as expected"


@pytest.mark.parametrize("name", ["", "1a", "_a", "a-b", "a b", "é", "a" * 41, "a\n"])
def test_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"^name must be at most 40 letters, digits and underscores, a letter first"):
        bnnhw.export(make_network(), tmp_path / "n.c", name=name)
    assert not list(tmp_path.iterdir())


def test_what_is_not_streamlined() -> None:
    layer = make_network((4, 3)).chain[0]
    assert isinstance(layer, Dense)
    rows = np.ones(3)
    trained = layer.with_activation(batch_norm_sign(BatchNorm(rows, rows, rows, rows, 0.0)))
    network = Network(make_network((4, 3)).input, (trained, Output.plain("output", 3)))
    with pytest.raises(NetworkError, match=r"^only a streamlined network can be exported: "):
        to_c(network, "n")


@pytest.mark.parametrize("options", [{"word_bits": 16}, {"samples": "char"}])
def test_options_that_are_none(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(BnnhwError, match=r"must (have|be)"):
        bnnhw.export(make_network(), tmp_path / "n.c", **options)  # type: ignore[arg-type]


def test_memory_is_shared_by_what_never_meets() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        spans = []
        for step in range(12):
            spans.append(Span(int(rng.integers(1, 50)), step, step + int(rng.integers(0, 4))))
        places, size = place(spans)
        assert places[0] == 0
        for i, (a, at) in enumerate(zip(spans, places, strict=True)):
            assert at >= 0 and at + a.size <= size
            for b, other in zip(spans[:i], places[:i], strict=True):
                assert not a.meets(b) or at + a.size <= other or other + b.size <= at
    # A chain needs its two largest neighbours, not all.
    chain = [Span(100, -1, 0), Span(50, 0, 1), Span(100, 1, 2), Span(50, 2, 3)]
    assert place(chain)[1] == 150
