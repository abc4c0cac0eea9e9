"""The top of a board design: wiring only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amaranth.hdl import ClockDomain, ClockSignal, Elaboratable, Instance, Module, ResetSignal, Signal
from amaranth.lib import io

from bnnhw.links.pins import FLASH, lamp_ports, request
from bnnhw.links.weights.flash import FLASH_PINS

if TYPE_CHECKING:
    from bnnhw.links.link import BoardLink

__all__ = ["LinkTop"]


class LinkTop(Elaboratable):
    """Clock generator, a link's pins and lamps around the module that holds link and accelerator.

    That is an instance of a module that was emitted on its own, so that what was simulated and what is
    synthesized are the same text.

    Parameters
    ----------
    link : BoardLink
        Its pins are ports of the module by their names, and so are what enables them.
    leds : tuple of (str, int) or (str, int, str)
        The error lamp and the activity lamp, as far as there are such (:class:`~bnnhw.boards.Board`).
    clock : Elaboratable
        The board's clock generator.
    module : str
        Name of the module that holds the link and the accelerator.
    flash : bool
        Whether it reads the flash that the device starts from.
    """

    def __init__(
        self,
        link: BoardLink,
        leds: tuple[tuple[str, int] | tuple[str, int, str], ...],
        clock: Elaboratable,
        module: str,
        *,
        flash: bool = False,
    ) -> None:
        self.link = link
        self.leds = leds
        self.clock = clock
        self.module = module
        self.flash = flash

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += ClockDomain("sync")
        m.submodules.clock = self.clock
        # Other lines of the resource, such as a serial port's handshake, are requested with it and left alone.
        resource = request(platform, self.link.name, 0)
        ports: dict[str, Any] = {}
        for signal, direction in self.link.pins.items():
            buffer = io.Buffer(direction, getattr(resource, signal))
            m.submodules[signal] = buffer
            both = direction == "io"
            if "i" in direction:
                ports[f"i_{signal}_i" if both else f"i_{signal}"] = buffer.i
            if "o" in direction:
                ports[f"o_{signal}_o" if both else f"o_{signal}"] = buffer.o
            if signal in self.link.enables:
                ports[f"o_{self.link.enables[signal]}"] = buffer.oe
            if (hertz := self.link.pin_clocks.get(signal)) is not None:
                # A signal of its own: a clock is constrained by its name, which synthesis has to leave.
                clock = Signal(name=f"{self.link.name}_{signal}", attrs={"keep": 1})
                m.d.comb += clock.eq(buffer.i)
                ports[f"i_{signal}"] = clock
                platform.add_clock_constraint(clock, hertz)
        if self.flash:
            ports |= self._flash(m, request(platform, FLASH, 0))
        for name, port in zip(("error", "activity"), lamp_ports(platform, self.leds), strict=False):
            m.submodules[f"{name}_led"] = lamp = io.Buffer("o", port)
            ports[f"o_{name}"] = lamp.o
        m.submodules.link = Instance(self.module, i_clk=ClockSignal(), i_rst=ResetSignal(), **ports)
        return m

    @staticmethod
    def _flash(m: Module, resource: Any) -> dict[str, Any]:
        """Ports of the module at the pins of a flash; nothing is protected or held there."""
        ports: dict[str, Any] = {}
        for name, way in FLASH_PINS.items():
            m.submodules[f"flash_{name}"] = buffer = io.Buffer(way, getattr(resource, name))
            ports[f"{way}_flash_{name}"] = buffer.i if way == "i" else buffer.o
        for name in ("wp", "hold"):
            if hasattr(resource, name):
                m.submodules[f"flash_{name}"] = io.Buffer("o", getattr(resource, name))
        return ports
