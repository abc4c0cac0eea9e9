"""What a link is: a way into an accelerator and out of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from bnnhw.errors import RequestError
from bnnhw.links.host import Host, Listened, Port

if TYPE_CHECKING:
    from amaranth.hdl import Elaboratable
    from amaranth.lib import wiring

    from bnnhw.dataflow import Graph, Resources
    from bnnhw.dataflow.frame import Frame
    from bnnhw.devices import Technology
    from bnnhw.links.interface import Interface
    from bnnhw.links.store.contents import StoredFrames
    from bnnhw.links.weights import LoadSetting

__all__ = ["BoardLink", "FrameAccelerator", "Lamps", "Link", "Setting"]


class FrameAccelerator(Protocol):
    """What a link needs of an accelerator, on top of being a component: its streams and the size of a frame."""

    input: Any
    output: Any
    input_width: int
    frame_bits: int

    def elaborate(self, platform: Any) -> Any: ...


class Lamps(Protocol):
    """What a link's top needs of a board, on top of its platform: the error lamp and the activity lamp, if any."""

    @property
    def leds(self) -> tuple[tuple[str, int] | tuple[str, int, str], ...]: ...


@dataclass(frozen=True)
class Setting:
    """What a link's gateware depends on, on top of the accelerator.

    Parameters
    ----------
    classes : int
        How many there are; told to the host.
    identity : int
        32 bits by which a host knows the design.
    clock_mhz : float, optional
        The clock that is really made; None where there is no board.
    store : StoredFrames, optional
        Frames on the chip, instead of those that the link would bring: of a link that counts.
    load : LoadSetting, optional
        What fills the accelerator's memories, where some are filled at run time: of a link that loads.
    """

    classes: int
    identity: int
    clock_mhz: float | None = None
    store: StoredFrames | None = None
    load: LoadSetting | None = None


class Link(ABC):
    """A way in and out. Importing the module of one imports no hardware description.

    Attributes
    ----------
    name : str
        The name it is asked for by.
    summary : str
        What it is, in a few words with their article.
    module : str
        The Verilog module that holds the link and the accelerator.
    bare : bool
        Whether it adds nothing, so that a board's link can be put around.
    every_score : bool
        Whether it can carry the scores of all classes, not the winner's alone.
    needs_board : bool
        Whether it needs a board: its pins, its clock.
    why_board : str
        Why, as the end of a refusal.
    loads : bool
        Whether it fills memories that are filled at run time, or leaves that to what is around it.
    """

    name: ClassVar[str]
    summary: ClassVar[str] = ""
    module: ClassVar[str]
    bare: ClassVar[bool] = False
    every_score: ClassVar[bool] = True
    needs_board: ClassVar[bool] = False
    why_board: ClassVar[str] = ""
    loads: ClassVar[bool] = False

    @abstractmethod
    def gateware(self, accelerator: FrameAccelerator, setting: Setting) -> wiring.Component:
        """The accelerator with the link around it.

        Raises
        ------
        RequestError
            When a frame is too large for the link, or the clock does not suit it.
        """

    @abstractmethod
    def interface(self, graph: Graph, setting: Setting) -> Interface:
        """What stands at the pins of :meth:`gateware` around the accelerator of a graph."""

    def configured(self, **options: int | None) -> Self:
        """The link with some of its fields set; None leaves one as it is.

        Raises
        ------
        RequestError
            For an option that the link has not, and for a value that it can't have.
        """
        given = {name: value for name, value in options.items() if value is not None}
        link: Any = self
        known = {field.name for field in fields(link)} if is_dataclass(self) else set[str]()
        for name in given:
            if name not in known:
                raise RequestError(f"link {self.name} has no {name.replace('_', ' ')}")
        return replace(link, **given) if given else link


class BoardLink(Link):
    """A link that a bitstream can have: through pins of a board, to a host.

    Attributes
    ----------
    protocol_version : int
        Of what host and board say to each other: a design of another one is not talked to.
    pins : mapping of str to str
        Its signals at pins of the board, and their directions, ``"i"`` into the device, ``"o"`` out of it and ``"io"``
        both ways: those of the platform's resource that has the link's name. They are ports of the module by their
        names; one that goes both ways is two, ``NAME_i`` and ``NAME_o``.
    widths : mapping of str to int
        Of signals at several pins: how many.
    enables : mapping of str to str
        Of pins that are not always driven: the port of the module that says when they are.
    adapter : str
        What has to be at pins of a connector, where the board's maker put nothing.
    counts : bool
        Whether it can ask a board for a count of frames that lie on its chip.
    """

    needs_board = True
    protocol_version: ClassVar[int] = 1
    pins: ClassVar[Mapping[str, str]] = {}
    widths: ClassVar[Mapping[str, int]] = {}
    enables: ClassVar[Mapping[str, str]] = {}
    adapter: ClassVar[str] = ""
    counts: ClassVar[bool] = False

    @property
    def pins_form(self) -> str:
        """How pins of one's choice are written, as ``rx=PIN,tx=PIN``."""
        return ",".join(f"{signal}={'PIN/.../PIN' if signal in self.widths else 'PIN'}" for signal in self.pins)

    @abstractmethod
    def reserve(self, frame_bits: int, technology: Technology) -> Resources:
        """What it takes of a device, about, with room for frames of this size: kept free when a folding is chosen."""

    @abstractmethod
    def check_frame(self, frame_bits: int) -> None:
        """:class:`~bnnhw.errors.RequestError` for a frame that is too long for it."""

    @abstractmethod
    def check_clock(self, clock_mhz: float) -> None:
        """:class:`~bnnhw.errors.RequestError` for a clock that it can't run at."""

    @property
    def pin_clocks(self) -> Mapping[str, float]:
        """Of pins that are clocks of their own: the Hz that they must stand."""
        return {}

    def usual_pins(self, connectors: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, str]]:
        """Where the link is usual on a board's connectors, the likeliest first; each by signal, as ``"pmod_0:1"``."""
        del connectors
        return iter(())

    def top(self, board: Lamps, clock: Elaboratable, module: str, *, flash: bool = False) -> Elaboratable:
        """The top of a design: clock, pins and an instance of the module that holds link and accelerator.

        With ``flash``, the pins of the flash that the device starts from too.
        """
        from bnnhw.links.top import LinkTop

        return LinkTop(self, board.leds, clock, module, flash=flash)

    @abstractmethod
    def frames_per_s(self, frame: Frame, clock_mhz: float) -> float:
        """The most frames per second it can carry at a clock: these frames one way, their results the other."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, int]:
        """What it was set to, for the record of a build."""

    def made(self, clock_mhz: float) -> dict[str, float]:
        """What a clock makes of the settings, for the record of a build; nothing where they are met exactly."""
        del clock_mhz
        return {}

    def note(self, clock_mhz: float) -> str | None:
        """The same as a line for people."""
        del clock_mhz
        return None

    def open_port(self, name: str) -> Port:
        """Opens the way to a board by its name in the operating system."""
        raise RequestError(f"link {self.name} has no port that a host opens by name")

    def host(self, port: Port, clock: Callable[[], float] | None = None) -> Host:
        """The host's side of the link, over a port.

        Parameters
        ----------
        port : Port
        clock : callable, optional
            Seconds of a simulated board that has just been switched on; a board of unknown state, and the clock on the
            wall, when not given.

        Raises
        ------
        CheckError
            When no board answers.
        """
        raise RequestError(f"link {self.name} has no host")

    def terminal(self, port: Listened) -> Listened:
        """What a program that opens a serial port finds there, of the port of a simulated board."""
        return port

    def far_end(self) -> str:
        """What drives the pins of a simulated board: the C++ class ``Host`` of ``bnnhw/sim/board.cpp.j2``.

        The members of ``Vcore`` that it drives and reads have the names of :attr:`pins`. Of pins that go both ways the
        member of that name is what stands at them, and it drives them with ``NAME_far`` while ``NAME_far_driven`` is 1.
        """
        raise RequestError(f"link {self.name} has no far end for a virtual board")
