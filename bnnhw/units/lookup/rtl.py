"""Truth tables, a register behind each."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import family
from bnnhw.rtl.choice import Choice
from bnnhw.rtl.copy import Copy
from bnnhw.rtl.emit import EmitPlatform, shared
from bnnhw.rtl.stages import Stages
from bnnhw.units.lookup.model import LUT_INPUTS, LookupUnit, Table, table_selects

__all__ = ["Tables", "datapath"]


class Tables(wiring.Component):
    """Looks every neuron up, all of them side by side.

    - Input: one word per frame, or per position of a window, element ``e`` in lane ``e``. Output: one word for each,
      neuron ``n`` in lane ``n``.
    - II = 1. Latency = 1.
    - Stalls: a word that is not taken stays in the output register; ``ready`` passes through.
    - Storage: one register per output bit that is no constant, and for every ``reach`` of them a copy of the enable.

    Parameters
    ----------
    model : LookupUnit

    Members
    -------
    input : stream of ``unsigned(inputs * input bits)``
    output : stream of ``unsigned(neurons * output bits)``
    """

    def __init__(self, model: LookupUnit) -> None:
        self.model = model
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(model.inputs[0].width))),
                "output": Out(stream.Signature(unsigned(model.outputs[0].width))),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        stages = Stages(m, 1, self.input, self.output, self.model.reach, platform)
        word, registers = datapath(self.model, m, platform, self.input.payload)
        for register, value in registers:
            stages.hold(register, value)
        m.d.comb += self.output.payload.eq(word)
        return m


def datapath(model: LookupUnit, m: Module, platform: object, word: Value) -> tuple[Value, list[tuple[Signal, Value]]]:
    """The results of a word of inputs, and what each register takes."""
    choices = wides = 0
    add_table = family(platform.technology if isinstance(platform, EmitPlatform) else "generic").add_table
    wide = LUT_INPUTS if add_table is None else model.wide

    def looked_up(address: Value, entries: int) -> Value:
        """The entry at an address, by tables that fit a LUT4 each, or are joined by the device's multiplexers."""
        nonlocal wides
        if len(address) <= LUT_INPUTS:
            return Const(entries, 1 << len(address)).bit_select(address, 1)
        if len(address) <= wide and add_table is not None:
            wides += 1
            return add_table(m, f"table_{wides}", address, entries)
        selects = table_selects(len(address), wide)
        below = len(address) - selects
        parts = [entries >> (number << below) & ((1 << (1 << below)) - 1) for number in range(1 << selects)]
        given = [looked_up(address[:below], part) for part in parts]
        if selects == 1:
            return chosen("pair", given, address[below], Const(0))
        passed = chosen("lower", given[:2], address[below], address[below + 1])
        return chosen("upper", given[2:], passed, address[below + 1])

    def chosen(part: str, given: list[Value], select: Value, upper: Value) -> Value:
        nonlocal choices
        choice = Choice(part)
        choices += 1
        m.submodules[f"choice_{choices}"] = shared(platform, choice)
        a, b = given
        m.d.comb += [choice.a.eq(a), choice.b.eq(b), choice.select.eq(select), choice.upper.eq(upper)]
        return choice.chosen

    copied: dict[tuple[int, int], Value] = {}
    for region, source in model.copies:
        copy = Copy(1, reset_less=True)
        m.submodules[f"copy_{region}_{source}"] = shared(platform, copy)
        m.d.comb += copy.d.eq(word[source])
        copied[region, source] = copy.q

    # Synthesis merges equal logic, but no instances.
    made: dict[tuple[int, Table], Value] = {}
    bits: list[Value] = []
    registers: list[tuple[Signal, Value]] = []
    for bit, table in enumerate(model.tables):
        if not table.sources:
            # A register would be 0 before it is 1, and so no constant.
            bits.append(Const(table.entries, 1))
            continue
        region = model.region(bit)
        value = made.get((region, table))
        if value is None:
            address = Cat(*(copied.get((region, source), word[source]) for source in table.sources))
            value = looked_up(address, table.entries)
            if len(address) > LUT_INPUTS and wide > LUT_INPUTS:
                made[region, table] = value
        register = Signal(name=f"bit_{bit}", reset_less=True)
        registers.append((register, value))
        bits.append(register)
    return Cat(*bits), registers
