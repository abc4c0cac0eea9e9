"""From components to RTLIL and Verilog, every distinct unit once.

Amaranth elaborates each submodule anew and emits a module for each. A design of 64 equal processing elements would
be generated, and later synthesized, 64 times over. Here a component that is used many times is wrapped in
:func:`shared`: when Verilog is made it becomes an instance of a module that is elaborated once for each distinct
:attr:`SharedComponent.module_name`; in Amaranth's simulator it stays an ordinary submodule.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from amaranth.back import rtlil as amaranth_rtlil
from amaranth.hdl import (
    ClockDomain,
    ClockSignal,
    Elaboratable,
    Fragment,
    Instance,
    ResetSignal,
    Shape,
    Value,
    ValueCastable,
)
from amaranth.hdl._ir import PortDirection
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from bnnhw import processes, tools
from bnnhw.errors import BnnhwError
from bnnhw.files import scratch
from bnnhw.rtl.readable import readable

__all__ = [
    "EmitPlatform",
    "Emitted",
    "SharedComponent",
    "apart",
    "emit",
    "port_signals",
    "repeated_modules",
    "rtlil",
    "shared",
    "to_verilog",
    "verilog",
]


@runtime_checkable
class SharedComponent(Protocol):
    """What :func:`shared` needs of a component, on top of a :class:`wiring.Component`."""

    @property
    def module_name(self) -> str:
        """A name that two components share iff their logic is equal; a legal Verilog identifier."""
        ...

    @property
    def clocked(self) -> bool:
        """Whether it has registers, and so a ``clk`` and a ``rst`` port."""
        ...


def port_signals(component: wiring.Component) -> dict[str, tuple[Value, str]]:
    """The ports of a component: name (the path, joined by ``_``) -> its signal and ``"i"`` or ``"o"``."""
    ports: dict[str, tuple[Value, str]] = {}
    for path, member, value in component.signature.flatten(component):
        if isinstance(value, ValueCastable):
            value = value.as_value()
        if Shape.cast(value.shape()).width:
            ports["_".join(map(str, path))] = (value, "i" if member.flow == In else "o")
    return ports


class EmitPlatform:
    """The platform components are elaborated for when text is made of them.

    Parameters
    ----------
    technology : str
        ``"generic"``, or the family whose block RAMs are instantiated directly (see :mod:`bnnhw.rtl.rom`).
    top : str
        Name of the design; begins those of the modules that are its own.
    prefix : str
        Begins the names of all other modules, so that two designs can be parts of one.

    Attributes
    ----------
    pending : dict of str to component
        Modules that were instantiated; each is elaborated once, after the module that asked for it first.
    module : str
        The module that is being elaborated.
    instances : dict of str to list of str
        The modules that each module asked for, once per instance.
    """

    def __init__(self, technology: str = "generic", top: str = "top", prefix: str = "") -> None:
        self.technology = technology
        self.top = top
        self.prefix = prefix
        self.pending: dict[str, wiring.Component] = {}
        self.module = top
        self.instances: dict[str, list[str]] = {}

    def instance(self, component: wiring.Component, own: str | None = None, reset: Value | None = None) -> Instance:
        """An instance of a component's module, which is named ``own`` unless others may share it."""
        assert own is not None or isinstance(component, SharedComponent)
        shared = isinstance(component, SharedComponent)
        module = f"{self.prefix}{component.module_name}" if shared else f"{self.top}.{own}"
        self.pending.setdefault(module, component)
        self.instances.setdefault(self.module, []).append(module)
        # Amaranth warns of components that are never elaborated; this one is, through its equal in `pending`.
        component._MustUse__used = True  # type: ignore[attr-defined]
        connections: dict[str, Value] = {}
        if _clocked(component):
            connections |= {"i_clk": ClockSignal(), "i_rst": ResetSignal() if reset is None else reset}
        for name, (value, direction) in port_signals(component).items():
            connections[f"{direction}_{name}"] = value
        return Instance(module, **connections)


def shared(platform: object, component: wiring.Component) -> Elaboratable | Instance:
    """The component itself, or an instance of its one module when text is made for an :class:`EmitPlatform`."""
    return platform.instance(component) if isinstance(platform, EmitPlatform) else component


def apart(platform: object, component: wiring.Component, name: str, reset: Value) -> Elaboratable | Instance:
    """The component itself, or an instance of a module with a reset of its own.

    Parameters
    ----------
    name : str
        Of the module, below the design's, unless the component is a :class:`SharedComponent`.
    reset : Value
        A register that follows the domain's reset.
    """
    return platform.instance(component, name, reset) if isinstance(platform, EmitPlatform) else component


@dataclass(frozen=True)
class Emitted:
    """A design as text.

    Parameters
    ----------
    rtlil : str
        Every distinct module once.
    repeated : tuple of str
        The modules that synthesis does well to keep apart until it has mapped them; see :func:`repeated_modules`.
    """

    rtlil: str
    repeated: tuple[str, ...]


def repeated_modules(instances: Mapping[str, Sequence[str]], top: str) -> tuple[str, ...]:
    """Modules that are instantiated more than once, but not those that occur only inside such a module.

    Synthesis that maps these once each and flattens everything else before mapping does no work twice, and
    still optimizes across all other boundaries: with every boundary kept, a 64-128-64-10 network took
    3149 LUT4, with these kept 3046, flat 2893.

    Parameters
    ----------
    instances : mapping of str to sequence of str
        The modules that each module instantiates, once per instance.

    Returns
    -------
    tuple of str
        Sorted.
    """
    counts = Counter(module for modules in instances.values() for module in modules)
    kept: set[str] = set()
    seen: set[str] = set()
    waiting = [top]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            for module in instances.get(name, ()):
                if counts[module] > 1:
                    kept.add(module)
                else:
                    waiting.append(module)
    return tuple(sorted(kept))


def emit(component: wiring.Component, name: str = "top", technology: str = "generic", *, prefix: str = "") -> Emitted:
    """A component and everything it instantiates.

    Ports are named by their path in the signature (``input_payload``), and ``clk`` and ``rst``.

    Parameters
    ----------
    component : wiring.Component
    name : str
        Of its module.
    technology : str
    prefix : str
        Begins the names of the modules that are not its own, see :class:`EmitPlatform`.
    """
    platform = EmitPlatform(technology, name, prefix)
    texts: list[str] = []
    done: set[str] = set()
    queue: dict[str, wiring.Component] = {name: component}
    while queue:
        module, unit = next(iter(queue.items()))
        del queue[module]
        done.add(module)
        platform.module = module
        fragment, ports = Fragment.get(unit, platform), _directed_ports(unit)
        if module != name and _clocked(unit):
            # Instances connect clock and reset, whether the logic needs them or not.
            domain = ClockDomain("sync")
            fragment.add_domains(domain)
            ports |= {"clk": (domain.clk, PortDirection.Input), "rst": (domain.rst, PortDirection.Input)}
        text = amaranth_rtlil.convert(fragment, name=module, platform=platform, ports=ports, emit_src=False)
        # Only one module of a file may be marked as its top.
        texts.append(text if module == name else re.sub(r"(?m)^attribute \\top 1\n", "", text))
        queue.update((n, c) for n, c in platform.pending.items() if n not in done and n not in queue)
    return Emitted("\n".join(texts), repeated_modules(platform.instances, name))


def rtlil(component: wiring.Component, name: str = "top", technology: str = "generic") -> str:
    """RTLIL of a component and of everything it instantiates, as :func:`emit` makes it."""
    return emit(component, name, technology).rtlil


def _clocked(component: wiring.Component) -> bool:
    return component.clocked if isinstance(component, SharedComponent) else True


def _directed_ports(component: wiring.Component) -> dict[str, tuple[Value, object]]:
    directions = {"i": PortDirection.Input, "o": PortDirection.Output}
    return {name: (value, directions[d]) for name, (value, d) in port_signals(component).items()}


def verilog(component: wiring.Component, name: str = "top", technology: str = "generic") -> str:
    """Verilog of a component and of everything it instantiates; see :func:`emit` and :func:`to_verilog`."""
    return to_verilog(rtlil(component, name, technology))


def to_verilog(text: str) -> str:
    """Verilog of RTLIL, as Yosys writes it and :func:`~bnnhw.rtl.readable.readable` lays it out.

    Raises
    ------
    ToolError
        When no Yosys is installed.
    """
    yosys = tools.require("yosys")
    with scratch() as folder:
        source, target, script = (folder / n for n in ("design.il", "design.v", "convert.ys"))
        source.write_text(text, encoding="utf-8")
        # Names without folders: Yosys takes a space for the end of one.
        script.write_text(
            # No process is left, only registers and expressions: an `always @*` whose inputs never change is never
            # run where an initial value is no event, as in SystemVerilog.
            f"read_rtlil {source.name}\nproc -norom\nopt_clean -purge\nmemory_collect\n"
            "attrmap -remove generator -remove top -remove amaranth.hierarchy -remove amaranth.decoding\n"
            "attrmap -modattr -remove generator -remove top -remove amaranth.hierarchy -remove amaranth.decoding\n"
            f"rename -enumerate -pattern term_%\nwrite_verilog -norename {target.name}\n",
            encoding="utf-8",
        )
        done = processes.run(
            [*yosys.command, script.name], cwd=folder, env={**yosys.full_environment(), "TMPDIR": str(folder)}
        )
        if done.returncode:
            raise BnnhwError(f"Yosys could not write Verilog: {(done.stderr or done.stdout).strip()[-500:]}")
        written = target.read_text(encoding="utf-8")
    # The first line names the Yosys version; who produced a file is told by its own header.
    return readable(re.sub(r"\A/\*.*?\*/\n", "", written))
