"""``bnnhw export``: a network for other tools, or as C."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bnnhw.cli.paths import InputPath, OutputFile
from bnnhw.cli.session import Session, verb

__all__ = ["export"]

SAMPLES = ("float", "double", "uint8", "int8", "uint16", "int16", "int32")


@verb(example="bnnhw export digits.bnn -o digits-streamlined.onnx\nbnnhw export digits.bnn -o digits.c --samples uint8")
@click.argument("network", metavar="N.bnn", type=InputPath())
@click.option(
    "-o",
    "output",
    metavar="M.onnx|N.c",
    required=True,
    type=OutputFile("model", {".c": "source"}),
    help="The file to write.",
)
@click.option("--name", metavar="NAME", help="Prefix of all names in C.  [default: made of the file's name]")
@click.option(
    "--word", "word_bits", type=click.Choice(["32", "64"]), help="Bits of the words that C counts in.  [default: 32]"
)
@click.option("--samples", type=click.Choice(SAMPLES), help="C type of the raw samples.  [default: float]")
def export(
    session: Session, network: Path, output: Path, name: str | None, word_bits: str | None, samples: str | None
) -> None:
    """Writes streamlined QONNX for other tools, or portable C99.

    M.onnx: thresholds are MultiThreshold nodes, weights are in MatMul nodes; the `qonnx` package executes the model to
    the scores of `bnnhw evaluate`, and FINN starts from it.

    N.c: one C file that needs no library and allocates nothing, its header N.h, which says how it is called, and an
    example, N_main.c, all three or none. Its scores are those of `bnnhw evaluate`.
    """
    from bnnhw.errors import BnnhwError, RequestError
    from bnnhw.flow.export import export as run
    from bnnhw.flow.export import is_c
    from bnnhw.flow.network import open_network

    loaded = open_network(network)
    flags = {"--name": name, "--word": word_bits, "--samples": samples}
    given = [flag for flag, value in flags.items() if value is not None]
    if given and not is_c(output):
        raise RequestError(f"{output}: {' and '.join(given)} can be said of C alone: give a name that ends in .c")
    with session.stage("export"):
        try:
            found = run(
                loaded, output, name=name, word_bits=None if word_bits is None else int(word_bits), samples=samples
            )
        except RequestError:
            raise
        except BnnhwError as error:
            message = str(error)
            raise type(error)(message if message.startswith(str(output)) else f"{network}: {message}") from None
    if found is None:
        session.result({"model": str(output)}, lambda console: console.print(str(output), markup=False))
        return
    files = {"model": str(found.source), "header": str(found.header), "main": str(found.main)}
    sizes = {"table_bytes": found.code.table_bytes, "scratch_bytes": found.code.scratch_bytes}
    result: dict[str, Any] = {**files, "name": found.code.name, "word_bits": found.code.word_bits, **sizes}

    def show(console: Any) -> None:
        for path in files.values():
            console.print(path, markup=False)
        console.print(
            f"{sizes['table_bytes']:,} bytes of tables, {sizes['scratch_bytes']:,} bytes of scratch memory",
            markup=False,
        )

    session.result(result, show)
