"""Pins of a board's platform: those of a link, wherever they are, and those of the lamps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from bnnhw.errors import RequestError

if TYPE_CHECKING:
    from bnnhw.links.link import BoardLink

__all__ = [
    "FLASH",
    "board_platform",
    "check_flash",
    "checked_pins",
    "connectors",
    "lamp_ports",
    "link_pins",
    "parse_pins",
    "request",
]

_PACKAGE_PIN = re.compile(r"[A-Za-z]{0,2}\d{1,3}")
"""What vendors call pins of packages: 35, B10, AA12."""


_BETWEEN = re.compile(r"[/ ]+")
"""What stands between the pins of one signal: ``A1/A2`` on a command line, ``A1 A2`` as Amaranth has them."""


def parse_pins(text: str, signals: Sequence[str], form: str | None = None) -> dict[str, str]:
    """Reads ``rx=pmod_0:3,tx=B10``; :class:`~bnnhw.errors.RequestError` for what is no such list of the signals."""
    form = f"pins must be {form or ','.join(f'{signal}=PIN' for signal in signals)}"
    chosen: dict[str, str] = {}
    for item in text.split(","):
        signal, equals, pin = (part.strip() for part in item.partition("="))
        if not equals or not pin:
            raise RequestError(f"{form}, not {text!r}")
        if signal not in signals:
            raise RequestError(f"{form}: there is no signal {signal!r}")
        if signal in chosen:
            raise RequestError(f"{form}: {signal} is there twice in {text!r}")
        chosen[signal] = pin
    if missing := [signal for signal in signals if signal not in chosen]:
        raise RequestError(f"{form}: {missing[0]} is missing in {text!r}")
    return chosen


def checked_pins(
    platform: Any, pins: Mapping[str, str], board: str, widths: Mapping[str, int] | None = None
) -> dict[str, str]:
    """Pins as pins of the package, by signal; those of a signal of several pins with a space between.

    Parameters
    ----------
    pins : mapping of str to str
        Of a signal of several pins all of them, as ``A1/A2``, or the connector that has as many.
    widths : mapping of str to int, optional
        Of such signals: how many.

    Raises
    ------
    RequestError
        For a connector or a pin of one that the board has not, for what is no pin's name, for one pin used twice, and
        for fewer pins or more than a signal has.
    """
    used: dict[str, str] = {}
    names: dict[str, str] = {}
    for signal, text in pins.items():
        listed = _listed(platform, text)
        found = [_package_pin(platform, pin, board) for pin in listed]
        if len(found) != (wanted := (widths or {}).get(signal, 1)):
            raise RequestError(
                f"pins of {board}: {signal} must have {wanted} pin{'s' if wanted > 1 else ''}, not {len(found)}"
            )
        for name in found:
            if name in used:
                raise RequestError(f"pins of {board}: {used[name]} and {signal} are both {name}")
            used[name] = signal
        names[signal] = " ".join(found)
    return names


def _listed(platform: Any, text: str) -> list[str]:
    """The pins of a signal one by one; those of a connector in its order."""
    here = connectors(platform).get(text)
    return _BETWEEN.split(text) if here is None else [f"{text}:{pin}" for pin in here]


def _package_pin(platform: Any, pin: str, board: str) -> str:
    known, name = _connector_pins(platform), pin
    # A connector's pin may be one of another connector.
    while ":" in name:
        if name not in known:
            raise RequestError(f"pins of {board}: {_no_such_pin(platform, name)}")
        name = known[name]
    if not _PACKAGE_PIN.fullmatch(name):
        example = next(iter(known), "pmod_0:1")
        raise RequestError(
            f"pins of {board}: {pin!r} must be CONNECTOR_NUMBER:PIN or a pin of the package, such as {example!r}"
        )
    return name


def connectors(platform: Any) -> dict[str, dict[str, str]]:
    """Pins of a platform's connectors: what each leads to, a pin of the package or of another connector."""
    return {f"{name}_{number}": dict(value.mapping) for (name, number), value in platform.connectors.items()}


def _connector_pins(platform: Any) -> dict[str, str]:
    return {f"{name}:{pin}": to for name, pins in connectors(platform).items() for pin, to in pins.items()}


def _no_such_pin(platform: Any, pin: str) -> str:
    wanted, _, _ = pin.partition(":")
    known = connectors(platform)
    if wanted in known:
        return f"connector {wanted} has pins {', '.join(known[wanted])}, not {pin!r}"
    return f"connector must be one of {', '.join(known)}, not {pin!r}" if known else f"no connector there is: {pin!r}"


class Pinned(Protocol):
    """What is needed of a board to find the pins of a link on it."""

    @property
    def name(self) -> str: ...

    @property
    def family(self) -> Any: ...

    @property
    def platform(self) -> Callable[[], Any]: ...

    @property
    def pins(self) -> Mapping[str, Mapping[str, str]]: ...

    @property
    def pin_attributes(self) -> Mapping[str, str] | None: ...


def board_platform(board: Pinned, link: BoardLink) -> Any:
    """The platform of a board, with the resource of a link where the board has it.

    Raises
    ------
    RequestError
        When it has none and no pins are chosen, and for pins that it has not.
    """
    from amaranth.build import Attrs, Pins, Resource, Subsignal

    platform = board.platform()
    if link.name in board.pins:
        chosen = checked_pins(platform, board.pins[link.name], board.name, link.widths)
        attributes = board.family.pin_attributes if board.pin_attributes is None else board.pin_attributes
        platform.resources.pop((link.name, 0), None)
        signals = [Subsignal(signal, Pins(pin, dir=link.pins[signal])) for signal, pin in chosen.items()]
        platform.add_resources([Resource(link.name, 0, *signals, Attrs(**attributes))])
    elif (link.name, 0) not in platform.resources:
        raise RequestError(
            f"{board.name}: the platform has no resource {link.name}; choose pins: --pins {link.pins_form}"
        )
    return platform


def link_pins(platform: Any, link: BoardLink) -> dict[str, str]:
    """The pins of the package that a link has on a platform, by signal."""
    known = _connector_pins(platform)

    def pin(name: str) -> str:
        return pin(known[name]) if name in known else name

    signals = {part.name: part.ios[0] for part in platform.lookup(link.name, 0).ios if hasattr(part, "ios")}
    return {signal: " ".join(map(pin, signals[signal].names)) for signal in link.pins if signal in signals}


FLASH = "spi_flash_1x"
"""The resource of the flash that a device starts from."""


def check_flash(board: Pinned, link: BoardLink) -> None:
    """:class:`~bnnhw.errors.RequestError` unless the flash of a board can be read beside a link."""
    platform = board_platform(board, link)
    if (FLASH, 0) not in platform.resources:
        raise RequestError(
            f"{board.name}: its platform has no resource {FLASH}, the flash that weights are read from at start"
        )
    flash = {name for part in platform.lookup(FLASH, 0).ios if hasattr(part, "ios") for name in part.ios[0].names}
    shared = [pin for pins in link_pins(platform, link).values() for pin in pins.split() if pin in flash]
    if shared:
        raise RequestError(
            f"{board.name}: link {link.name} has pins of the flash that weights are read from at start "
            f"({', '.join(shared)}): another link, or other pins"
        )


def request(platform: Any, name: str, number: int) -> Any:
    """A resource, all its pins as bare ports; :class:`~bnnhw.errors.RequestError` where one is used already."""
    from amaranth.build import ResourceError

    resource = platform.lookup(name, number)
    parts = [part.name for part in resource.ios if hasattr(part, "ios")]
    try:
        return platform.request(name, number, dir=dict.fromkeys(parts, "-") if parts else "-")
    except ResourceError as error:
        raise RequestError(f"pins of {name}_{number}: {error}") from None


def lamp_ports(platform: Any, lamps: Sequence[tuple[str, int] | tuple[str, int, str]]) -> list[Any]:
    """The ports of lamps, each resource requested once."""
    resources: dict[tuple[str, int], Any] = {}
    ports: list[Any] = []
    for name, number, *signal in lamps:
        if (name, number) not in resources:
            resources[name, number] = request(platform, name, number)
        port = resources[name, number]
        ports.append(getattr(port, signal[0]) if signal else port)
    return ports
