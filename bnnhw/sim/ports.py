"""The ports of a stream core, and the C++ main of the bench that drives them."""

from __future__ import annotations

from dataclasses import dataclass

from bnnhw.dataflow.loads import SETTLE_CYCLES
from bnnhw.templates import render

__all__ = ["LOAD_PORTS", "Field", "Interface", "Port", "ProbePort", "limbs_of"]


LOAD_PORTS = {"load_start": 1, "load_write": 1, "load_data": 16}
"""Ports of a load bus, and their bits."""


def limbs_of(width: int) -> int:
    """32-bit limbs that hold so many bits."""
    return -(-width // 32)


def _cpp_name(name: str) -> str:
    """The name Verilator gives a port in C++: it writes the second of two underscores as ``__05F``."""
    return name.replace("__", "___05F")


@dataclass(frozen=True)
class Field:
    """Bits of a port that are one number."""

    name: str
    width: int
    signed: bool = False


@dataclass(frozen=True)
class Port:
    """A port and the fields it is made of, the least significant first."""

    name: str
    fields: tuple[Field, ...]

    @property
    def width(self) -> int:
        return sum(field.width for field in self.fields)

    @classmethod
    def plain(cls, name: str, width: int, signed: bool = False) -> Port:
        """A port that is one number, with the port's name."""
        return cls(name, (Field(name, width, signed),))


@dataclass(frozen=True)
class ProbePort:
    """The payload of a stream inside the core, whose words are compared as they pass.

    Parameters
    ----------
    name : str
        Of the port.
    width : int
        Bits per word.
    words : int
        Words per frame.
    group : int
        Words after which lanes may be undefined: in the last of so many words ``last_width`` bits are compared.
    last_width : int
    """

    name: str
    width: int
    words: int
    group: int
    last_width: int

    @property
    def limbs(self) -> int:
        return limbs_of(self.width)

    @property
    def last_mask(self) -> list[int]:
        """The bits compared in the last word of a group, limb by limb."""
        mask = (1 << self.last_width) - 1
        return [mask >> 32 * limb & 0xFFFFFFFF for limb in range(self.limbs)]


@dataclass(frozen=True)
class Interface:
    """The ports of a stream core.

    Parameters
    ----------
    top : str
        Name of the module.
    input : Port
        Payload of the input stream.
    input_words : int
        Words per frame.
    outputs : tuple of Port
        Payload of the output stream, in one port or one for each field; it has one word per frame.
    clock, reset, input_valid, input_ready, output_valid, output_ready : str
        Names of the other ports; ``reset`` may be None.
    probes : tuple of ProbePort
        Streams inside that are watched.
    probe_moves : str
        Port with a bit for each probe: whether a word passes in this cycle.
    journal : int
        Streams whose ``valid`` and ``ready`` are written down, cycle by cycle: bits of two ports, if there are any.
    journal_valid, journal_ready : str
        Those ports.
    loads : bool
        Whether it has the ports of a load bus (:class:`bnnhw.rtl.load.LoadSignature`), by :data:`LOAD_PORTS`.
    """

    top: str
    input: Port
    input_words: int
    outputs: tuple[Port, ...]
    clock: str = "clk"
    reset: str | None = "rst"
    input_valid: str = "input_valid"
    input_ready: str = "input_ready"
    output_valid: str = "output_valid"
    output_ready: str = "output_ready"
    probes: tuple[ProbePort, ...] = ()
    probe_moves: str = "probe_moves"
    journal: int = 0
    journal_valid: str = "journal_valid"
    journal_ready: str = "journal_ready"
    loads: bool = False

    def __post_init__(self) -> None:
        for field in (field for port in self.outputs for field in port.fields):
            if not 1 <= field.width <= 64 - (not field.signed):
                raise ValueError(f"output field {field.name} must have 1 to 63 bits, 64 if signed, not {field.width}")

    @property
    def output_limbs(self) -> int:
        """32-bit limbs of an output word: each port starts at a new one."""
        return sum(limbs_of(port.width) for port in self.outputs)

    @property
    def probe_limbs(self) -> int:
        """Limbs of the widest probe."""
        return max((probe.limbs for probe in self.probes), default=0)

    def main(self, wave: bool) -> str:
        """The C++ main of the bench."""
        offset, outputs = 0, []
        for port in self.outputs:
            outputs.append({"name": _cpp_name(port.name), "offset": offset})
            offset += limbs_of(port.width)
        names = ("clock", "input_valid", "input_ready", "output_valid", "output_ready", "probe_moves")
        names += ("journal_valid", "journal_ready")
        return render(
            "bnnhw.sim",
            "harness.cpp.j2",
            wave=wave,
            words_per_frame=self.input_words,
            input_limbs=limbs_of(self.input.width),
            output_limbs=offset,
            input_mask=(1 << ((self.input.width - 1) % 32 + 1)) - 1,
            input_payload=_cpp_name(self.input.name),
            reset=None if self.reset is None else _cpp_name(self.reset),
            outputs=outputs,
            probes=[
                {"name": _cpp_name(probe.name), "limbs": probe.limbs, "group": probe.group, "mask": probe.last_mask}
                for probe in self.probes
            ],
            probe_limbs=self.probe_limbs,
            journal_limbs=limbs_of(self.journal),
            loads=self.loads,
            settle_cycles=SETTLE_CYCLES,
            **{name: _cpp_name(getattr(self, name)) for name in names},
        )
