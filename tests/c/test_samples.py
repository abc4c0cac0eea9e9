"""Raw samples in C: the elements that ``InputSpec.encode`` makes of them, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from bnnhw.c import SAMPLE_TYPES, to_c, write_c
from bnnhw.cli.export import SAMPLES
from bnnhw.errors import RequestError
from bnnhw.ir import DataType, InputSpec, Network, Output
from bnnhw.ir.input_spec import LAYOUTS
from tests.c.compiled import CHECKED, compile_c, planes, run_c
from tests.layers import random_layer

RNG = np.random.default_rng(11)

_ENCODE = """
static void {name}_frames(long frames)
{{
    static {name}_sample sample[{name}_SAMPLES];
    static {name}_scratch scratch;
    while (frames-- > 0 && fread(sample, sizeof sample, 1, stdin) == 1) {{
        memset(&scratch, 0xa5, sizeof scratch);
        printf("%d", {name}_encode(sample, &scratch));
        for (int i = 0; i < {words}; i++)
            printf(" %llu", (unsigned long long)scratch.words[i]);
        printf("\\n");
    }}
}}
"""


def network(spec: InputSpec) -> Network:
    layer = random_layer(np.random.default_rng(0), 2, spec.elements, str(spec.dtype), None)
    return Network(spec, (layer, Output.plain("output", 2)))


def rows(number: int, dtype: DataType, low: float = -300, high: float = 300) -> tuple[tuple[float, ...], ...]:
    """Thresholds between floats of 32 bits, equal ones and ones beyond any sample among them."""
    table = np.sort(RNG.uniform(low, high, (number, dtype.levels - 1)), axis=1)
    if dtype.levels > 4:
        table[:, 1] = table[:, 2]
        table[0, 0], table[-1, -1] = -np.inf, np.inf
    table[number // 2, dtype.levels // 2] = 7.0
    return tuple(map(tuple, np.sort(table, axis=1).tolist()))


def specs() -> dict[str, tuple[InputSpec, str]]:
    found: dict[str, tuple[InputSpec, str]] = {}
    shape = (3, 4, 5)
    kinds = itertools.cycle(SAMPLE_TYPES)
    for layout, number in itertools.product(LAYOUTS, (1, 3, 60)):
        dtype = DataType.parse(("bipolar", "uint3", "int4")[len(found) % 3])
        table = rows(number, dtype) if dtype.bits > 1 else tuple((v,) for v in RNG.uniform(-50, 90, number).tolist())
        falling = tuple(RNG.integers(0, 2, number).astype(bool).tolist()) if len(found) % 2 else ()
        found[f"{layout}{number}"] = InputSpec(shape, dtype, table, falling, layout), next(kinds)
    for number in (1, 9):
        dtype = DataType("uint", 3)
        found[f"features{number}"] = InputSpec((9,), dtype, rows(number, dtype)), next(kinds)
        found[f"falls{number}"] = InputSpec((9,), dtype, rows(number, dtype), (True,) * number), next(kinds)
    for kind, dtype in (
        ("uint8", "uint8"),
        ("int8", "bipolar"),
        ("float", "bipolar"),
        ("double", "int5"),
        ("int16", "int8"),
    ):
        found[f"{kind}_{dtype}"] = InputSpec((2, 3, 4), DataType.parse(dtype), layout="whc"), kind
    return found


def samples(spec: InputSpec, kind: str, frames: int) -> np.ndarray:
    dtype = SAMPLE_TYPES[kind].dtype
    if spec.thresholds is None:
        codes = RNG.integers(0, spec.dtype.levels, (frames, spec.elements))
        return spec.dtype.values(codes).astype(dtype)
    near = spec.table[np.isfinite(spec.table)]
    near = np.concatenate([near, np.nextafter(near, -np.inf), np.rint(near) + RNG.integers(-2, 3, near.shape)])
    low, high = SAMPLE_TYPES[kind].ends
    near = np.concatenate([np.clip(near, low, high), [low, high]])
    return RNG.choice(near, (frames, spec.elements)).astype(dtype)


@pytest.mark.parametrize("word_bits", [32, 64])
def test_elements(word_bits: int, tmp_path: Path) -> None:
    harness, calls, data, expected = ["#include <stdio.h>\n#include <string.h>\n"], [], b"", []
    for name, (spec, kind) in specs().items():
        write_c(network(spec), tmp_path / f"{name}.c", word_bits=word_bits, samples=kind)
        given = samples(spec, kind, 8)
        packed = np.frombuffer(planes(spec, spec.encode(given), word_bits), f"<u{word_bits // 8}").reshape(8, -1)
        expected += [[0, *row] for row in packed.tolist()]
        data += given.tobytes()
        harness += [f'#include "{name}.c"', _ENCODE.format(name=name, words=packed.shape[1])]
        calls.append(f"{name}_frames(8);")
    harness.append(f"int main(void)\n{{\n    {' '.join(calls)}\n    return 0;\n}}\n")
    (tmp_path / "harness.c").write_text("\n".join(harness))
    lines = run_c(compile_c(tmp_path, "harness.c", flags=CHECKED), data=data)
    assert [list(map(int, line.split())) for line in lines] == expected


@pytest.mark.parametrize(
    "dtype, thresholds, kind, bad",
    [
        ("uint2", (1.0, 2.0, 3.0), "float", (np.nan, np.inf, -np.inf)),
        ("uint2", None, "float", (np.nan, np.inf, -1, 4, 0.5, 1e30)),
        ("int4", None, "double", (np.nan, -9, 8, 1 / 3)),
        ("int4", None, "int8", (-9, 8, 127)),
        ("uint8", None, "int32", (-1, 256, 1 << 30)),
        ("bipolar", None, "int8", (0, 2, -3)),
    ],
)
def test_a_sample_of_another_kind(
    dtype: str, thresholds: tuple[float, ...] | None, kind: str, bad: tuple[float, ...], tmp_path: Path
) -> None:
    """It ends the example, after what came before."""
    write_c(network(InputSpec((2,), DataType.parse(dtype), thresholds)), tmp_path / "net.c", samples=kind)
    program = compile_c(tmp_path, "net.c", "net_main.c")
    for value in bad:
        data = np.array([[1, 1], [1, value]], SAMPLE_TYPES[kind].dtype).tobytes()
        assert len(run_c(program, "-b", data=data, code=2)) == 1


def test_a_type_that_lacks_negative_numbers() -> None:
    message = "^samples of type uint8 have no negative numbers, and those of this network are int4: give another type"
    with pytest.raises(RequestError, match=message):
        to_c(network(InputSpec((2,), DataType("int", 4))), "n", samples="uint8")


def test_the_command_line_has_all_types() -> None:
    assert tuple(SAMPLE_TYPES) == SAMPLES
