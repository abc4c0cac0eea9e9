"""The registry of formats: a folder each, found without a list, with options of their own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from bnnhw import frontend
from bnnhw.cli.model_options import model_options
from bnnhw.errors import FileError, RequestError, UnsupportedError
from bnnhw.frontend import FORMATS, Format, ImportedModel, Match, Option, Source, options, read_model, register


@pytest.fixture
def own(root: Path) -> Iterator[Format]:
    """A format of the test's own: the name of a model of the repository behind a mark, and two options."""

    def sniff(source: Source) -> Match:
        return Match.YES if (source.data or b"").startswith(b"own:") else Match.NO

    def read(source: Source, input_scale: Fraction = Fraction(1), colour: int = 0) -> ImportedModel:
        name = (source.data or b"").removeprefix(b"own:").decode()
        if name == "nothing":
            raise UnsupportedError("nothing is there")
        return ImportedModel(read_model(root / "models" / name).network, "own", (f"{input_scale} {colour}",))

    shared = FORMATS["qonnx"].options
    colour = Option("colour", "Of a model of our own.", parse=lambda text: int(text, 16))
    yield register(Format("own", "a model of our own", sniff, read, (*shared, colour)))
    del FORMATS["own"]


def test_every_folder_registers_one_format() -> None:
    folders = {path.parent.name for path in Path(frontend.__path__[0]).glob("*/__init__.py")}
    assert {entry.read.__module__ for entry in FORMATS.values()} == {f"bnnhw.frontend.{name}" for name in folders}
    assert (
        sorted(FORMATS) == sorted(entry.name for entry in FORMATS.values()) == ["bnn-pynq", "larq", "qonnx", "tables"]
    )


def test_formats_and_their_options_load_nothing_heavy() -> None:
    code = "import bnnhw.cli.model_options, sys, json; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert "bnnhw.frontend.onnx" in modules
    assert not {"numpy", "onnx", "bnnhw.ir"}.intersection(modules)


def test_a_new_format_is_found_and_takes_its_options(own: Format, tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"own:digits.onnx")
    assert read_model(path).format == "own"
    assert read_model(path, colour=255, input_scale=Fraction(1, 2)).warnings == ("1/2 255",)
    assert read_model(path, colour=None, decode=None).warnings == ("1 0",)
    with pytest.raises(RequestError, match=rf"^{path}: --decode must be given for a BNN-PYNQ parameter folder only$"):
        read_model(path, decode="argmax")
    path.write_bytes(b"own:nothing")
    with pytest.raises(UnsupportedError, match=rf"^{path}: nothing is there$"):
        read_model(path)


def test_an_option_of_another_format_names_all_that_take_it(own: Format, root: Path, tmp_path: Path) -> None:
    path = root / "models" / "digits.onnx"
    with pytest.raises(RequestError, match=rf"^{path}: --colour must be given for a model of our own only$"):
        read_model(path, colour=1)
    message = f"{tmp_path}: --input-scale must be given for an ONNX model or a model of our own only"
    with pytest.raises(RequestError, match=f"^{re.escape(message)}$"):
        read_model(tmp_path, input_scale=Fraction(1))
    with pytest.raises(
        TypeError,
        match=r"^option must be one of colour, decode, input_offset, input_scale, input_type, topology, not 'color'$",
    ):
        read_model(path, color=1)


def test_nothing_fits(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, entry in FORMATS.items():
        monkeypatch.setitem(FORMATS, name, replace(entry, sniff=lambda _: Match.NO))
    path = tmp_path / "m"
    path.write_bytes(b"x")
    message = f"{path}: must be a BNN-PYNQ parameter folder, a Larq model, an ONNX model, a network of truth tables"
    with pytest.raises(FileError, match=f"^{re.escape(message)}$"):
        read_model(path)


def test_names_are_unique(own: Format) -> None:
    with pytest.raises(ValueError, match=r"^format 'own' is registered already$"):
        register(own)
    other = replace(own, name="other", options=(Option("colour", "Another one."),))
    with pytest.raises(ValueError, match=r"^option --colour of format 'other' is another one elsewhere$"):
        register(other)
    assert "other" not in FORMATS


def test_the_command_line_has_every_option(own: Format) -> None:
    @click.command()
    @model_options
    def show(**given: object) -> None:
        click.echo(repr(sorted(given.items())))

    assert [parameter.name for parameter in show.params] == [option.name for option in options()]
    result = CliRunner().invoke(show, ["--colour", "ff", "--input-scale", "1/2", "--input-offset", "-1,0.5"])
    expected: dict[str, object] = dict.fromkeys(option.name for option in options())
    expected |= {"colour": 255, "input_scale": (Fraction(1, 2),), "input_offset": (Fraction(-1), Fraction(1, 2))}
    assert result.output.strip() == repr(sorted(expected.items()))
    refused = CliRunner().invoke(show, ["--decode", "lowest-bit"])
    assert "'lowest-bit' is not one of 'argmax', 'highest-bit'" in refused.output


def test_how_sure_each_format_is(root: Path, tmp_path: Path) -> None:
    """Of a folder with the first file of its first layer, of any other, of an archive, of anything else."""
    (tmp_path / "layers").mkdir()
    (tmp_path / "layers" / "0-0-weights.bin").touch()
    (tmp_path / "damaged").write_bytes(b"PK\x03\x04")
    for name in ("architecture", "weights"):
        np.savez(tmp_path / f"{name}.npz", **{name: np.zeros(1)})
    due = {
        tmp_path / "layers": (Match.YES, Match.NO, Match.NO),
        tmp_path: (Match.MAYBE, Match.NO, Match.NO),
        tmp_path / "architecture.npz": (Match.NO, Match.YES, Match.MAYBE),
        tmp_path / "weights.npz": (Match.NO, Match.NO, Match.MAYBE),
        tmp_path / "damaged": (Match.NO, Match.NO, Match.MAYBE),
        root / "models" / "digits.onnx": (Match.NO, Match.NO, Match.MAYBE),
    }
    for path, matches in due.items():
        source = Source.open(path)
        found = tuple(FORMATS[name].sniff(source) for name in ("bnn-pynq", "larq", "qonnx"))
        assert found == matches, path


def test_files_of_any_size_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with path.open("wb") as file:
        file.truncate((1 << 29) + 1)
    message = f"{path}: a model must have at most {1 << 29} bytes, not {(1 << 29) + 1}"
    with pytest.raises(FileError, match=f"^{re.escape(message)}$"):
        Source.open(path)
