"""An accelerator that was emitted before, as an instance of its Verilog module."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Instance, ResetSignal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.dataflow.frame import Frame
from bnnhw.rtl.load import LoadSignature
from bnnhw.rtl.result import result_layout

__all__ = ["ExternalAccelerator"]


class ExternalAccelerator(wiring.Component):
    """What a link is put around when the accelerator is a text already.

    II, latency, stalls and storage are the module's.

    Parameters
    ----------
    module : str
        Name of the Verilog module, with the ports of :class:`bnnhw.rtl.accelerator.Accelerator`.
    frame : Frame
        What passes at its ends.
    loads : bool
        Whether it has memories that are filled at run time, and so a load bus.

    Members
    -------
    input : stream of ``unsigned(frame.word_bits)``
    output : stream of :func:`~bnnhw.rtl.result.result_layout`
    load : In(LoadSignature)
        Where it has one.
    """

    def __init__(self, module: str, frame: Frame, *, loads: bool = False) -> None:
        self.loads = loads
        self.module = module
        self.input_width = frame.word_bits
        self.frame_bits = frame.bits
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(frame.word_bits))),
                "output": Out(stream.Signature(result_layout(frame.result))),
                **({"load": In(LoadSignature())} if loads else {}),
            }
        )

    def elaborate(self, platform: object) -> Instance:
        bus: dict[str, Any] = {}
        if self.loads:
            bus = {f"i_load_{name}": getattr(self.load, name) for name in LoadSignature().members}
        return Instance(
            self.module,
            i_clk=ClockSignal(),
            i_rst=ResetSignal(),
            i_input_payload=self.input.payload,
            i_input_valid=self.input.valid,
            o_input_ready=self.input.ready,
            o_output_payload=self.output.payload,
            o_output_valid=self.output.valid,
            i_output_ready=self.output.ready,
            **bus,
        )
