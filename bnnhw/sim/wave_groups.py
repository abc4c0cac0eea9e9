"""The streams of a wave, in groups that a viewer shows by their names: a GTKWave save file beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from vcd.gtkw import GTKWColor, GTKWSave

from bnnhw.dataflow import Probe
from bnnhw.files import check_output, seal, write_text
from bnnhw.sim.ports import Interface
from bnnhw.sim.streams import Stream

__all__ = ["groups_path", "write_groups"]

MODEL = "core"
"""What the bench calls the model, and the wrapper the accelerator."""


def groups_path(wave: Path) -> Path:
    """Where the groups of a wave belong."""
    return wave.with_suffix(".gtkw")


def write_groups(
    wave: Path, interface: Interface, probes: Sequence[Probe], streams: Sequence[Stream], module: str
) -> None:
    """Writes the groups of a wave beside it: the clock, what comes in, what layers and other units give, the result.

    Parameters
    ----------
    wave : Path
    interface : Interface
        Of the module that was simulated: the accelerator, or the one around it that shows its probes.
    probes : sequence of Probe
        The streams of layers.
    streams : sequence of Stream
        All of them, where they are known.
    module : str
        The accelerator's.

    Raises
    ------
    RequestError
        When something is there that bnnhw did not write.
    FileError
        When it can't be written.
    """
    top = f"{MODEL}.{interface.top}"
    inside = top if interface.top == module else f"{top}.core"
    file = io.StringIO()
    save = GTKWSave(file)
    save.comment("Streams by name: gtkwave, or surfer, opens this file.", seal("groups"))
    save.dumpfile(wave.name, abspath=False)
    save.treeopen(f"{MODEL}.")
    save.treeopen(f"{top}.")
    save.sst_expanded(True)
    with save.group("clock"):
        save.trace(f"{top}.{interface.clock}")
        if interface.reset is not None:
            save.trace(f"{top}.{interface.reset}")

    def stream(name: str, told: str, end: str, width: int, *, closed: bool = False) -> None:
        with save.group(name, closed=closed):
            save.blank(told)
            save.trace(f"{end}valid", color=GTKWColor.green)
            save.trace(f"{end}ready", color=GTKWColor.orange)
            save.trace(f"{end}payload" if width == 1 else f"{end}payload[{width - 1}:0]", datafmt="hex")

    words = interface.input_words
    stream("input", f"{words} words per frame", f"{top}.input_", interface.input.width)
    shown = {(probe.node, probe.port): probe for probe in probes}
    for probe in probes:
        form, (channels, height, width) = probe.format, probe.shape
        size = f"{channels}" if height * width == 1 else f"{channels} x {height} x {width}"
        told = f"{size} of {probe.dtype}, {form.lanes} in each of {form.words} words"
        stream(f"layer {probe.layer}", told, f"{inside}.{probe.node}.{probe.port}_", form.width)
    for one in streams[1:-1]:
        if (one.unit, one.port) not in shown:
            told = f"{one.words} words per frame"
            stream(f"{one.unit} ({one.kind})", told, f"{inside}.{one.end}_", one.width, closed=True)
    (result,) = interface.outputs
    stream("result", "a word per frame: class and score", f"{top}.output_", result.width)
    path = groups_path(wave)
    check_output(path, "groups")
    write_text(path, file.getvalue(), "groups")
