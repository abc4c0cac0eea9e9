"""The window unit: a stream of positions in, the words under a sliding window out."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import ram_attributes
from bnnhw.rtl.emit import shared
from bnnhw.rtl.fifo import CreditedOutput
from bnnhw.rtl.shapes import integer_shape
from bnnhw.units.window.model import WindowUnit
from bnnhw.units.window.timing import WindowTiming

__all__ = ["WindowGenerator"]


class WindowGenerator(wiring.Component):
    """Turns a feature map into the elements under a sliding window, through a line buffer.

    The buffer is a circle of words: words are given up as the window moves on, and in their place later ones are
    accepted, of the next frame too. With C' = ceil(C / lanes), n_in = H * W * C' and n_out = positions * area * C'
    (:class:`~bnnhw.units.window.timing.WindowTiming`):

    - Input: n_in words per frame, position after position, row after row; channel ``c`` of a position is lane
      ``c % lanes`` of word ``c // lanes``, lane ``l`` in bits ``[l * b, (l + 1) * b)``. Rows and columns that no window
      covers are accepted too.
    - Output: n_out words per frame, for every position of the window area * C' of them. Order ``"vector"``: taps
      (kernel y, kernel x) slowest, words of a tap fastest. Order ``"channels"``: for every channel word its taps. Lanes
      past C are undefined. A tap in the padding has ``padding_code`` in every lane.
    - II = max(n_in, n_out) cycles per frame, from one frame to the next too.
    - Latency = :attr:`WindowTiming.latency` cycles, from the first input word accepted to the last output word
      offered; a word can be offered 4 cycles after the last one it needs was accepted.
    - Stalls: a word is issued when it has been accepted (one of the padding at once, but not before its frame's first
      word was accepted) and the output queue has room. The input is accepted while it is less than ``window_words``
      beyond what is given up.
    - Storage: ``buffer_words`` words, or as many as make a power of two where that costs no more; 5 output words.

    Parameters
    ----------
    model : WindowUnit

    Members
    -------
    input, output : streams of ``unsigned(lanes * b)``
    """

    clocked = True

    def __init__(self, model: WindowUnit) -> None:
        self.model = model
        signature = stream.Signature(unsigned(model.width))
        super().__init__({"input": In(signature), "output": Out(signature)})

    @property
    def module_name(self) -> str:
        p = self.model.timing
        w = p.window
        sizes = ((w.channels, w.height, w.width), w.kernel, w.stride, w.dilation, w.padding)
        geometry = "_".join("x".join(map(str, size)) for size in sizes)
        sizes_of_words = f"{p.lanes}x{self.model.bits}_{self.model.padding_code}_{p.spare}"
        return f"bnnhw_window_{geometry}_{p.order}_{sizes_of_words}_{self.model.technology.name}"

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        p = self.model.timing
        width = self.model.width
        out = CreditedOutput(width, p.credits)
        m.submodules.queue = shared(platform, out)
        wiring.connect(m, out.output, wiring.flipped(self.output))

        size, style = self.model.memory_words, self.model.buffer_style
        buffer = memory.Memory(
            shape=unsigned(width), depth=size, init=[], attrs=ram_attributes(style, self.model.technology)
        )
        m.submodules.buffer = buffer
        write, read = buffer.write_port(), buffer.read_port()

        accept, issue = Signal(), Signal()
        walk = _Walk(m, p, issue)
        # Each of them is negative or not, and nothing is compared: the sign is a register.
        beyond = walk.surplus("beyond", "base", p.window_words, accept)
        ahead = walk.surplus("ahead", "index", 1, accept)
        padded = walk.outside()
        there = ~ahead[-1] | padded
        if not p.inside[0]:
            # A frame that begins in the padding: no word may be there before any of the frame's.
            there &= ~walk.surplus("begun", "frame", 1, accept)[-1]
        write_address = Signal(range(size))
        m.d.comb += [
            self.input.ready.eq(beyond[-1]),
            accept.eq(self.input.valid & self.input.ready),
            issue.eq(there & out.grant),
            out.begin.eq(issue),
            write.addr.eq(write_address),
            write.en.eq(accept),
            write.data.eq(self.input.payload),
            read.addr.eq(walk.address(size)),
        ]
        with m.If(accept):
            m.d.sync += write_address.eq(Mux(write_address == size - 1, 0, write_address + 1))

        # Read data may come late in its cycle: a register, into which the padding is chosen.
        word, valid, push = Signal(width, reset_less=True), Signal(), Signal()
        m.d.sync += [valid.eq(issue), push.eq(valid), word.eq(self._with_padding(m, padded, read.data))]
        m.d.comb += [out.push.eq(push), out.payload.eq(word)]
        return m

    def _with_padding(self, m: Module, padded: Value, data: Value) -> Value:
        """What was read for the word issued in the cycle before, or what the padding holds."""
        if self.model.timing.inside.all():
            return data
        fill = Signal(reset_less=True)
        m.d.sync += fill.eq(padded)
        filling = sum(self.model.padding_code << (lane * self.model.bits) for lane in range(self.model.lanes))
        return Mux(fill, Const(filling, len(data)), data)


class _Walk:
    """The loops of the walk over a frame, and what is added up along it.

    Parameters
    ----------
    m : Module
    timing : WindowTiming
    issue : Signal
        A word is issued in this cycle; the walk goes on to the next.
    """

    def __init__(self, m: Module, timing: WindowTiming, issue: Signal) -> None:
        self._m, self._timing, self._issue = m, timing, issue
        self._ends: list[Value] = []
        turned: Value = issue
        # Turns that remain but one, so that the last one is negative.
        remaining = [
            Signal(range(-1, loop.size - 1), init=loop.size - 2, name=f"remaining_{i}")
            for i, loop in enumerate(timing.loops)
        ]
        self._ends = [counter[-1] for counter in remaining]
        for counter, end, loop in reversed(list(zip(remaining, self._ends, timing.loops, strict=True))):
            with m.If(turned):
                m.d.sync += counter.eq(Mux(end, loop.size - 2, counter - 1))
            turned = turned & end

    def _chosen(self, steps: tuple[int, ...], width: int, name: str) -> Signal:
        """Choose, out of a number for each loop and one for the end of the frame, that of the loop that steps."""
        value: Value = Const(steps[-1], width)
        for step, end in zip(steps, self._ends, strict=False):
            value = Mux(end, value, Const(step, width))
        chosen = Signal(width, name=name)
        self._m.d.comb += chosen.eq(value)
        return chosen

    def surplus(self, name: str, walked: str, less: int, accept: Value) -> Signal:
        """Words accepted, less the ``index``, ``base`` or ``frame`` of the word to be issued, less a constant."""
        m, p = self._m, self._timing
        low, high = (bound - less for bound in p.surplus_range(walked))
        steps = (0,) * len(p.loops) + (p.words_in,) if walked == "frame" else p.steps(walked)
        start = p.start.get(walked, 0)
        total = Signal(integer_shape(min(low, -1), max(high, 0)), init=-start - less, name=name)
        width = len(total)
        step = self._chosen(tuple(-s for s in steps), width, f"{name}_step")
        # One carry chain for both: the bit below the lowest carries the word accepted.
        down = Cat(accept, Mux(self._issue, step, 0))
        m.d.sync += total.eq((Cat(accept, total) + down)[1 : width + 1])
        return total

    def outside(self) -> Value:
        """Whether the word to be issued lies in the padding."""
        m, p = self._m, self._timing
        outside: Value = Const(0, 1)
        for name, size in (("y", p.window.height), ("x", p.window.width)):
            for above, used in enumerate(p.outside(name)):
                if not used:
                    continue
                values = p.values(name) - (size if above else 0)
                shape = integer_shape(min(int(values.min()), -1), max(int(values.max()), 0))
                place = Signal(shape, init=int(values[0]), name=f"{name}_{'above' if above else 'below'}")
                step = self._chosen(p.steps(name), len(place), f"{place.name}_step")
                with m.If(self._issue):
                    m.d.sync += place.eq(place + step)
                outside = outside | (~place[-1] if above else place[-1])
        return outside

    def address(self, size: int) -> Signal:
        """Where the word to be issued is, in a circle of ``size`` words."""
        m, p = self._m, self._timing
        address = Signal(range(size), init=p.start["index"] % size)
        steps = tuple(step % size for step in p.steps("index"))
        width = len(address)
        following: Value
        if size & (size - 1) == 0:
            following = (address + self._chosen(steps, width, "address_step"))[:width]
        else:
            straight = Signal(width)
            # The same less a turn of the circle, negative where there is none to take off.
            turned = Signal(width + 1)
            m.d.comb += [
                straight.eq(address + self._chosen(steps, width, "address_step")),
                turned.eq(address + self._chosen(tuple(s - size for s in steps), width + 1, "address_turn")),
            ]
            following = Mux(turned[-1], straight, turned[:width])
        with m.If(self._issue):
            m.d.sync += address.eq(following)
        return address
