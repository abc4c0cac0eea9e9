"""Bad situations: whatever is asked for, no byte of the user's is lost, and nothing is left behind.

Each is a command that must be refused: one line, the promised exit code, every file as it was (fixture ``refused``).
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from bnnhw.cli import cli
from bnnhw.cli.paths import BoardName, InputPath, OutputDirectory, OutputFile
from bnnhw.ir import archive
from tests.cli.conftest import make_network, run, snapshot

Refused = Callable[..., str]
ROOT = Path(__file__).resolve().parents[2]
BOARD = ("--board", "icebreaker")
EDITED = "is there already, and is not as bnnhw wrote it"


@pytest.fixture
def home(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's folder: ``small.bnn``, ``digits.onnx``, ``thesis.tex``, ``board.py``, ``design/`` with a .git in it."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(ROOT / "models" / "digits.onnx", tmp_path / "digits.onnx")
    (tmp_path / "thesis.tex").write_text("years of work")
    shutil.copyfile(ROOT / "boards" / "icebreaker.py", tmp_path / "board.py")
    shutil.copytree(_design(network, tmp_path), tmp_path / "design")
    (tmp_path / "design" / ".git").mkdir()
    (tmp_path / "design" / ".git" / "HEAD").write_text("years of work")
    os.link("small.bnn", "hard.bnn")
    (tmp_path / "soft.bnn").symlink_to("small.bnn")
    return tmp_path


_GENERATED: list[Path] = []


def _design(network: Path, tmp_path: Path) -> Path:
    """A generated folder, made once."""
    if not _GENERATED:
        target = tmp_path.parent / "generated-once" / "design"
        assert run("generate", network, "-o", target).exit_code == 0
        _GENERATED.append(target)
    return _GENERATED[0]


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    # A file that bnnhw did not write, under every verb that writes one.
    "import over a text": (("import", "digits.onnx", "-o", "thesis.tex"), f"thesis.tex: {EDITED}"),
    "export over a text": (("export", "small.bnn", "-o", "thesis.tex"), f"thesis.tex: {EDITED}"),
    "fold over a text": (("fold", "small.bnn", *BOARD, "-o", "thesis.tex"), f"thesis.tex: {EDITED}"),
    "wave over a text": (
        ("simulate", "small.bnn", "--dataset", "digits", "--wave", "thesis.tex"),
        f"thesis.tex: {EDITED}",
    ),
    "train over a text": (("train", "digits", "-o", "thesis.tex"), f"thesis.tex: {EDITED}"),
    "train over a model of others": (("train", "digits", "-o", "digits.onnx"), f"digits.onnx: {EDITED}"),
    # An output that is an input.
    "import over its model": (("import", "digits.onnx", "-o", "digits.onnx"), "digits.onnx: is read"),
    "export over its network": (("export", "small.bnn", "-o", "small.bnn"), "small.bnn: is read"),
    "export over a relative spelling": (("export", "small.bnn", "-o", "design/../small.bnn"), "small.bnn: is read"),
    "export over a hard link": (("export", "small.bnn", "-o", "hard.bnn"), "hard.bnn: is read"),
    "export over a soft link": (("export", "small.bnn", "-o", "soft.bnn"), "soft.bnn: is read"),
    "export of a soft link over its target": (("export", "soft.bnn", "-o", "small.bnn"), "small.bnn: is read"),
    "fold over its network": (("fold", "small.bnn", *BOARD, "-o", "small.bnn"), "small.bnn: is read"),
    "fold over its board": (("fold", "small.bnn", "--board", "board.py", "-o", "board.py"), "board.py: is read"),
    "wave over its network": (
        ("simulate", "small.bnn", "--dataset", "digits", "--wave", "hard.bnn"),
        "hard.bnn: is read",
    ),
    "wave over its Verilog": (
        ("simulate", "design", "--dataset", "digits", "--wave", "design/accelerator.v"),
        "design/accelerator.v: is a part of design, which is read",
    ),
    "wave over a sealed part": (
        ("simulate", "design", "--dataset", "digits", "--wave", "design/network.bnn"),
        "design/network.bnn: is a part of design, which is read",
    ),
    "generate into its network's folder": (("generate", "small.bnn", "-o", "."), r"\.: holds small.bnn, which is read"),
    "generate from inside": (("generate", "design/network.bnn", "-o", "design"), "design: holds design/network.bnn"),
    "generate over its folding": (
        ("generate", "small.bnn", "--folding", "design/folding.json", "-o", "design"),
        "design: holds design/folding.json",
    ),
    "build into its design": (("build", "design", *BOARD, "-o", "design"), "design: is read"),
    "build into what holds its design": (("build", "design", *BOARD, "-o", "."), r"\.: holds design"),
    "build into its network's folder": (("build", "small.bnn", *BOARD, "-o", "."), r"\.: holds small.bnn"),
    "train twice into one file": (
        ("train", "digits", "--run", "r", "-o", "r/../r"),
        "r: can't be two outputs at once",
    ),
    # Another kind of output, and folders of others.
    "wave over another network": (
        ("simulate", "design", "--dataset", "digits", "--wave", "small.bnn"),
        "small.bnn: holds a network, and a wave would take its place",
    ),
    "build into a design": (("build", "small.bnn", *BOARD, "-o", "design"), "design: must be a build, or empty"),
    "demo into a design": (("demo", "-o", "design"), "design: must be a demo, or empty, and is a design"),
    "generate into a folder of others": (("generate", "small.bnn", "-o", "design/.git"), "design/.git: must be empty"),
    "demo into a folder of others": (("demo", "-o", "design/.git"), "design/.git: must be empty"),
    "generate over a file": (("generate", "small.bnn", "-o", "thesis.tex"), "thesis.tex: must be a folder"),
    "build over a file": (("build", "small.bnn", *BOARD, "-o", "thesis.tex"), "thesis.tex: must be a folder"),
    "build below a file": (("build", "small.bnn", *BOARD, "-o", "thesis.tex/out"), "thesis.tex: must be a folder"),
    "import below a file": (("import", "digits.onnx", "-o", "thesis.tex/x.bnn"), "thesis.tex/x.bnn: can't be written"),
    "import over a folder": (("import", "digits.onnx", "-o", "design"), "design: must be a file, and is a folder"),
    "train keeps its run in a file": (("train", "digits", "--run", "thesis.tex", "-o", "x.onnx"), "must be a folder"),
    # What is no network.
    "show of a model": (("show", "digits.onnx"), "digits.onnx: is an ONNX model; import it first: bnnhw import digits"),
    "evaluate a model": (("evaluate", "digits.onnx", "--dataset", "digits"), "is an ONNX model; import it first"),
    "fold a model": (("fold", "digits.onnx", *BOARD), "is an ONNX model; import it first"),
    "generate a model": (("generate", "digits.onnx", "-o", "out"), "is an ONNX model; import it first"),
    "simulate a model": (("simulate", "digits.onnx", "--dataset", "digits"), "is an ONNX model; import it first"),
    "build a model": (("build", "digits.onnx", *BOARD, "-o", "out"), "is an ONNX model; import it first"),
    "export a model": (("export", "digits.onnx", "-o", "out.onnx"), "is an ONNX model; import it first"),
    "show of a design": (("show", "design"), "and is a folder that `bnnhw generate` wrote; design/network.bnn is one"),
    "fold a text": (("fold", "thesis.tex", *BOARD), "thesis.tex: not a whole bnnhw network file"),
    "import a network": (("import", "small.bnn", "-o", "out.bnn"), "small.bnn: "),
    # No numbers, and absurd ones.
    "no number of frames per second": (
        ("fold", "small.bnn", *BOARD, "--fps", "nan"),
        "'--fps': must be a finite number",
    ),
    "infinitely many": (("fold", "small.bnn", *BOARD, "--fps", "inf"), "'--fps': must be a finite number, not inf"),
    "minus infinitely many": (("fold", "small.bnn", *BOARD, "--fps=-inf"), "'--fps': -inf is not in the range"),
    "no clock": (("build", "small.bnn", *BOARD, "--freq", "0", "-o", "out"), "'--freq': 0.0 is not in the range"),
    "a clock that is no number": (
        ("build", "small.bnn", *BOARD, "--freq", "nan", "-o", "o"),
        "'--freq': must be a finite",
    ),
    "an infinite clock": (("build", "small.bnn", *BOARD, "--freq", "inf", "-o", "o"), "'--freq': must be a finite"),
    "an absurd clock": (("build", "small.bnn", *BOARD, "--freq", "1e300", "-o", "o"), "clock"),
    "hardly any clock": (("build", "small.bnn", *BOARD, "--freq", "1e-300", "-o", "o"), "clock"),
    "a clock that does not suit": (
        ("build", "small.bnn", *BOARD, "--freq", "17.5", "-o", "o"),
        "clock must be within 2 % of 17 or 18 MHz for the 1000000 baud of the serial link, not 17.625; 17.625 MHz "
        r"makes 1036765 or 979167 baud \(icebreaker makes 17.625 of 17.5\)$",
    ),
    "a clock too slow for the link": (
        ("build", "small.bnn", "--board", "ulx3s-12f", "--freq", "5", "-o", "o"),
        "clock must be at least 8 MHz for the 1000000 baud of the serial link, not 5",
    ),
    "a count that is no whole number": (
        ("evaluate", "small.bnn", "--dataset", "digits", "--count", "1e30"),
        "'--count': '1e30' is not a valid integer",
    ),
    "an absurd count": (
        ("evaluate", "small.bnn", "--dataset", "digits", "--count", "1" + "0" * 40),
        "--count must be at most",
    ),
    "no count": (("evaluate", "small.bnn", "--dataset", "digits", "--count", "0"), "'--count': 0 is not in the range"),
    "a negative seed": (("build", "small.bnn", *BOARD, "--seed", "-1", "-o", "o"), "'--seed': -1 is not in the range"),
    "an absurd seed": (
        ("build", "small.bnn", *BOARD, "--seed", "9" * 30, "-o", "o"),
        "'--seed': 9+ is not in the range",
    ),
    "an absurd seed of a training": (("train", "digits", "--seed", "9" * 30, "-o", "o.onnx"), "seed"),
    "a stall that is no number": (
        ("simulate", "small.bnn", "--dataset", "digits", "--stall", "nan"),
        "'--stall': must be a finite number",
    ),
    "a rate that is no number": (
        ("sensitivity", "small.bnn", "--dataset", "digits", "--rate", "nan"),
        "'--rate': must be a finite number",
    ),
    "an infinite scale": (("import", "digits.onnx", "--input-scale", "inf", "-o", "o.bnn"), "'--input-scale'"),
    "a scale of nothing": (("import", "digits.onnx", "--input-scale", "1/0", "-o", "o.bnn"), "'--input-scale'"),
    # Names that no file can have.
    "a name that is too long": (("export", "small.bnn", "-o", "n" * 300), "n+: can't be written: File name too long"),
    "a name with nothing in it": (("export", "small.bnn", "-o", ""), "must be a file, and is a folder"),
    "an unknown verb": (("play",), "No such command 'play'"),
    "a missing argument": (("show",), "Missing argument 'N.bnn'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, home: Path, refused: Refused) -> None:
    arguments, message = REFUSED[name]
    said = refused(2, *arguments)
    assert re.search(message, said), said


@pytest.mark.parametrize("name", ["accelerator.v", "design.json", "folding.json", "network.json"])
def test_generate_over_an_edit(name: str, home: Path, refused: Refused) -> None:
    path = home / "design" / name
    path.write_text(path.read_text() + "\n")
    said = refused(2, "generate", "small.bnn", "-o", "design")
    assert said == f"design/{name}: {EDITED}; move it away, or give another folder"


def test_fold_over_an_edited_folding(home: Path, refused: Refused) -> None:
    assert run("fold", "small.bnn", *BOARD, "-o", "f.json").exit_code == 0
    assert run("fold", "small.bnn", *BOARD, "--max", "-o", "f.json").exit_code == 0
    path = home / "f.json"
    path.write_text(path.read_text() + "\n")
    assert refused(2, "fold", "small.bnn", *BOARD, "-o", "f.json").startswith(f"f.json: {EDITED}")
    # Once it is a person's, it is still a folding.
    assert run("generate", "small.bnn", "--folding", "f.json", "-o", "other").exit_code == 0


def test_report_over_a_page_of_others(home: Path, refused: Refused) -> None:
    (home / "design" / "report.html").write_text("precious")
    assert refused(2, "report", "design").startswith(f"design/report.html: {EDITED}")
    (home / "design" / "report.html").unlink()
    for _ in range(2):
        assert run("report", "design").exit_code == 0


@pytest.mark.parametrize("taken", ["accelerator.v", "top.pcf", "yosys.log", "report.json", "network.json", "top.bin"])
def test_build_beside_files_of_others(taken: str, home: Path, refused: Refused) -> None:
    (home / "out").mkdir()
    (home / "out" / taken).write_text("precious")
    assert refused(2, "build", "design", *BOARD, "-o", "out").startswith(f"out/{taken}: {EDITED}")


@pytest.mark.parametrize("taken", ["metrics.csv", "result.json", "checkpoint.pt"])
def test_a_run_beside_files_of_others(taken: str, home: Path, refused: Refused) -> None:
    (home / "run").mkdir()
    (home / "run" / taken).write_text("precious")
    said = refused(2, "train", "digits", "--epochs", "1", "--run", "run", "-o", "x.onnx")
    assert said.startswith(f"run/{taken}: ")


def test_a_rerun_replaces_its_own(home: Path) -> None:
    """And only that: the user's files in the folder stay."""
    before = snapshot(home / "design")
    for arguments in (
        ("generate", "small.bnn", "-o", "design"),
        ("import", "digits.onnx", "-o", "d.bnn"),
        ("export", "small.bnn", "-o", "e.onnx"),
    ):
        assert run(*arguments).exit_code == 0
        assert run(*arguments).exit_code == 0
    assert snapshot(home / "design") == before
    assert onnx.load("e.onnx").doc_string.startswith("bnnhw-seal:model:")
    # Another network, under the same name.
    assert run("import", "e.onnx", "-o", "d.bnn").exit_code == 0


@pytest.mark.parametrize("verb", [("fold", *BOARD), ("build", *BOARD, "-o", "out")])
def test_a_frame_that_is_too_long_for_the_link(verb: tuple[str, ...], home: Path, refused: Refused) -> None:
    archive.save(make_network((131_072, 2)), Path("long.bnn"))
    said = refused(2, verb[0], "long.bnn", *verb[1:])
    assert said == "a frame must have at most 65534 bytes in a packet, not 65536"


def test_a_device_is_no_file_to_replace(home: Path) -> None:
    assert run("export", "small.bnn", "-o", os.devnull).exit_code == 0
    assert not Path(os.devnull).is_file()


def test_every_path_of_a_verb_says_what_it_is() -> None:
    """So that outputs and inputs are held apart, whatever verb comes."""
    kinds = InputPath | OutputFile | OutputDirectory | BoardName
    for name, command in cli.commands.items():
        for param in command.params:
            looks = param.name in ("board", "output", "folding", "data", "design", "network", "wave", "run_dir")
            path = type(param.type).__name__ in ("Path", "File")
            assert not path and (not looks or isinstance(param.type, kinds)), f"{name}: {param.name}"


def test_a_failure_after_its_result_is_one_object_too(home: Path) -> None:
    """Verilog that is wrong: what was found, and the error, and the exit code."""
    text = (home / "design" / "accelerator.v").read_text()
    (home / "design" / "accelerator.v").write_text(text + "\nmodule broken(\n")
    result = run("simulate", "design", "--dataset", "digits", "--count", "2", "--json", "-q")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["exit"]) == (3, 3)
    assert re.match(r"Verilator failed: [^/]*core\.v:\d+", told["error"]), told
    assert "Traceback" not in result.stderr
