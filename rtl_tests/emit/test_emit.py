# amaranth: UnusedElaboratable=no
"""What is emitted: every distinct unit once, ports by name, the same text whenever and wherever it is made."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnnhw.devices import FAMILIES as DEVICES
from bnnhw.devices import technology
from bnnhw.folding import FoldedNetwork, LayerFolding
from bnnhw.ir import DataType, InputSpec, Network, Output
from bnnhw.rtl.accelerator import Accelerator
from bnnhw.rtl.emit import rtlil, verilog
from bnnhw.rtl.fifo import CreditedOutput, Fifo
from bnnhw.rtl.popcount import Popcount, _Cell
from bnnhw.rtl.threshold import Threshold
from bnnhw.units.mvu.model import MvuUnit
from bnnhw.units.mvu.processing_element import ProcessingElement
from bnnhw.units.mvu.rtl import Mvu
from bnnhw.units.width.model import WidthUnit
from bnnhw.units.width.rtl import WidthConverter
from rtl_tests.storage import modules
from tests.layers import random_layer


def accelerator(name: str = "ice40") -> Accelerator:
    """Two layers with a converter between; made anew each time, as Amaranth elaborates a component only once."""
    rng = np.random.default_rng(0)
    first = random_layer(rng, 10, 12, name="fc1")
    second = random_layer(rng, 4, 10, output=None, name="fc2")
    network = Network(InputSpec((12,), DataType.parse("bipolar")), (first, second, Output.plain("out", 4)))
    folded = FoldedNetwork(network, (LayerFolding(4, 6, "lut"), LayerFolding(2, 5, "block")))
    return Accelerator(folded.graph(technology(name)))


def mvu(pe: int, simd: int, name: str = "ice40", memory: str = "block") -> Mvu:
    layer = random_layer(np.random.default_rng(1), 2 * pe, 2 * simd)
    return Mvu(MvuUnit(layer, LayerFolding(pe, simd, memory), technology(name)))


def instances(text: str) -> Counter[str]:
    """How often each module of an RTLIL text is instantiated, directly."""
    return Counter(re.findall(r"(?m)^  cell \\(\S+) \\\S+$", text))


def test_64_elements_are_one_module() -> None:
    """64 x 72: what is instantiated 64 times is defined once."""
    text = rtlil(mvu(64, 72), "top", "ice40")
    defined = modules(text)
    used = instances(text)
    elements = [name for name in defined if name.startswith("bnnhw_pe_")]
    assert len(elements) == 1
    assert used[elements[0]] == 64
    assert used["bnnhw_popcount_72_ice40"] == 1
    for kind in ("bnnhw_popcount_", "bnnhw_threshold_", "bnnhw_credited_", "bnnhw_fifo_"):
        assert sum(name.startswith(kind) for name in defined) == 1
    # What differs between elements, and so is there 64 times, is memory.
    copies = Counter(re.sub(r"_\d+(\$\d+)?$", "", name) for name in defined if not name.startswith("bnnhw_"))
    assert {name for name, number in copies.items() if number > 1} == {"top.thresholds"}
    assert copies["top.thresholds"] == 64


@pytest.mark.parametrize("name", DEVICES)
def test_every_instance_has_its_module(name: str) -> None:
    """Each module is defined once and reachable from the one top; only a family's cells come from outside."""
    text = rtlil(accelerator(name), "top", name)
    defined = modules(text)
    outside = {"generic": set(), "ice40": {"SB_RAM40_4K"}, "ecp5": {"DP16KD"}, "gowin": {"pROMX9"}}[name]
    reached, waiting = set(), ["top"]
    while waiting:
        module = waiting.pop()
        reached.add(module)
        used = set(instances(defined[module])) - outside
        assert used <= set(defined)
        waiting += used - reached
    assert reached == set(defined)
    assert text.count("attribute \\top 1") == 1


def test_connections_are_ports() -> None:
    """Every connection of every instance is a port of its module, and no port is left open."""
    text = rtlil(accelerator(), "top", "ice40")
    defined = modules(text)
    port = re.compile(r"(?m)^  wire .*\b(?:input|output) \d+ .*\\(\S+)$")
    ports = {module: set(port.findall(body)) for module, body in defined.items()}
    seen = 0
    for body in defined.values():
        for module, connections in re.findall(r"(?ms)^  cell \\(\S+) \\\S+\n(.*?)^  end$", body):
            if module in defined:
                assert set(re.findall(r"(?m)^    connect \\(\S+) ", connections)) == ports[module], module
                seen += 1
    assert seen > 10


LIMITS = [(0, 7), (-7, 7), (-7, 0), (0, 14)]
TYPES = [DataType.parse(name) for name in ("bipolar", "uint2", "int2")]


def elements() -> Iterable[ProcessingElement]:
    """Every parameter varied, also those that are not in the name."""
    rng = np.random.default_rng(0)
    for coefficients, output in itertools.product(((1,), (1, -2)), (None, *TYPES)):
        layer = random_layer(rng, 2, 6, output=str(output) if output else None, coefficients=coefficients)
        for simd, memory, limits in itertools.product((3, 6), ("lut", "block"), ((0, 6), (-12, 6))):
            pipeline = Mvu(MvuUnit(layer, LayerFolding(1, simd, memory), technology("ice40"))).model.timing
            yield ProcessingElement(simd, layer.planes, limits, output, pipeline, technology("ice40"))


FAMILIES: dict[str, Callable[[], Iterable[Any]]] = {
    "popcount": lambda: (Popcount(n, t) for n in (1, 2, 7, 8, 33) for t in map(technology, DEVICES)),
    "threshold": lambda: (
        Threshold(limits, dtype, inverted=flag) for limits in LIMITS for dtype in TYPES for flag in (True, False)
    ),
    "fifo": lambda: (Fifo(w, d) for w in (1, 3, 11) for d in (1, 2, 3, 11)),
    "credited": lambda: (CreditedOutput(w, d) for w in (1, 3, 11) for d in (1, 2, 3, 11)),
    "width": lambda: (
        WidthConverter(WidthUnit(*s)) for s in itertools.product((1, 2, 3, 6), (1, 2, 3, 6), (6, 12, 13))
    ),
    "element": elements,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_one_name_one_logic(family: str) -> None:
    """Two units of one name are the same text; the name is a legal Verilog identifier."""
    texts: dict[str, str] = {}
    for unit in FAMILIES[family]():
        name = unit.module_name
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)
        text = rtlil(unit, "unit")
        assert texts.setdefault(name, text) == text, name
    assert len(texts) > 1


def test_clocked() -> None:
    """A unit that says it has registers has both clock and reset ports, needed or not; another has neither."""
    units = [unit for family in FAMILIES.values() for unit in itertools.islice(family(), 3)]
    units += [_Cell(3, 0), _Cell(1, 2)]
    for unit in units:
        if isinstance(unit, WidthConverter) and unit.model.timing.kind == "wire":
            continue
        found = set(re.findall(r"(?m)^  wire width 1 input \d+ .*\\(clk|rst)$", rtlil(unit, "unit")))
        assert found == ({"clk", "rst"} if unit.clocked else set()), unit.module_name


def test_ports() -> None:
    """Streams by their path, clock and reset; nothing else."""
    header = re.search(r"(?m)^module \\?my_top\s?\((.*?)\);", verilog(accelerator(), "my_top", "ice40"), re.S)
    assert header
    names = [port.split()[-1] for port in header[1].split(",")]
    sides = [f"{side}_{part}" for side in ("input", "output") for part in ("payload", "valid", "ready")]
    assert names == ["clk", "rst", *sides]


def test_port_widths() -> None:
    text = verilog(accelerator(), "my_top", "ice40")
    top = re.search(r"(?ms)^module my_top\(.*?^endmodule", text)
    assert top
    unit = accelerator()
    assert re.search(rf"(?m)^  input \[{unit.input_width - 1}:0\] input_payload,$", top[0])
    assert re.search(rf"(?m)^  output \[{unit.graph.result.width - 1}:0\] output_payload,$", top[0])


CELL = r"(?ms)^  cell \\(\S+) \\(\S+)$(.*?)^  end$"


def test_each_unit_has_a_reset_of_its_own() -> None:
    """Its module is named after the design; the reset of its instance is a register that nothing else reads."""
    text = rtlil(accelerator(), "my_top", "ice40")
    top = re.search(r"(?ms)^module \\my_top$.*?^end$", text)
    assert top
    cells = {name: (module, body) for module, name, body in re.findall(CELL, top[0])}
    units = [name.removesuffix("_reset") for name in cells if name.endswith("_reset")]
    assert units == ["layer0_fc1", "layer1_fc2_width", "layer1_fc2", "output"]
    for name in units:
        copy, register = cells[f"{name}_reset"]
        assert copy == "bnnhw_copy_1_1"
        assert "connect \\d \\rst [0]" in register
        own = re.search(r"connect \\q (\S+)", register)
        assert own
        assert f"connect \\rst {own[1]} [0]" in cells[name][1]
        assert top[0].count(f"{own[1]} [0]") == 1
    assert [cells[name][0] for name in units if not cells[name][0].startswith("bnnhw_")] == [
        "my_top.layer0_fc1",
        "my_top.layer1_fc2",
        "my_top.output",
    ]


PROGRAM = """
import hashlib, sys
from rtl_tests.emit.test_emit import accelerator
from bnnhw.rtl.emit import rtlil, verilog
print(hashlib.sha256((rtlil(accelerator()) + verilog(accelerator())).encode()).hexdigest())
"""


def test_text_is_the_same_every_time(root: Path, tmp_path: Path) -> None:
    """In this process and in another one with another hash seed, started elsewhere."""
    texts = [(rtlil(accelerator()), verilog(accelerator())) for _ in range(2)]
    assert texts[0] == texts[1]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONHASHSEED": "17", "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == hashlib.sha256("".join(texts[0]).encode()).hexdigest()


def test_text_names_no_file(root: Path) -> None:
    for text in (rtlil(accelerator()), verilog(accelerator())):
        assert str(root) not in text
        assert "\\src" not in text
        assert "src =" not in text
        assert ".py" not in text
        assert not re.search(r"(?<![\w*/])/(?:\w+/)+\w", text), "an absolute path"


def test_an_element_is_the_same_in_every_unit() -> None:
    """16 elements use the module that 2 do."""
    small, large = (modules(rtlil(mvu(pe, 8), "top", "ice40")) for pe in (2, 16))
    same = {name for name in small if name.startswith(("bnnhw_pe_", "bnnhw_popcount_", "bnnhw_count_"))}
    assert len(same) > 3
    assert same == {name for name in large if name.startswith(("bnnhw_pe_", "bnnhw_popcount_", "bnnhw_count_"))}
    assert all(small[name] == large[name] for name in same)
