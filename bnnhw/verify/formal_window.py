"""The contract of a window unit: every word under the window, in its turn, and no more words in than there is room."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal

from bnnhw.rtl.emit import shared
from bnnhw.units.window.rtl import WindowUnit
from bnnhw.verify.formal_contract import Contract, FrameWatch, Rules, stays, waits

__all__ = ["WindowContract"]


class WindowContract(Contract):
    """Of :class:`~bnnhw.units.window.rtl.WindowUnit`.

    - ``stable``: an offered word holds until it is taken.
    - ``result``: every word of every frame, in its turn, is the one that :meth:`Window.taps` names, or the padding.
    - ``count``: no word is offered before those of its frame that it needs, and so never more words than are due.
    - ``buffer``: no more words are accepted than ``window_words`` beyond what is given up, with no more words read
      than the output queue holds.
    - ``accept``: a word is accepted while fewer than ``window_words`` were beyond what those taken give up.
    - ``serve``: with the words that it needs inside, a word is offered within ``depth`` cycles.
    """

    properties = ("stable", "result", "count", "buffer", "accept", "serve")
    covers = ("followed", "full")

    def __init__(self, unit: WindowUnit) -> None:
        self._unit = unit
        super().__init__({"input_valid": 1, "input_payload": len(unit.input.payload), "output_ready": 1, "pick": 1})

    def state(self, m: Module, platform: object, rules: Rules) -> None:
        unit, p = self._unit, self._unit.pipeline
        count_in, count_out = p.words_in, p.words_out
        most = p.room(count_out - 1 + p.credits)
        m.submodules.unit = shared(platform, unit)
        m.submodules.watch = watch = FrameWatch(count_in, count_out, most // count_in + 1)
        m.d.comb += [
            unit.input.valid.eq(self.input_valid),
            unit.input.payload.eq(self.input_payload),
            unit.output.ready.eq(self.output_ready),
            watch.enter.eq(unit.input.valid & unit.input.ready),
            watch.leave.eq(unit.output.valid & unit.output.ready),
            watch.pick.eq(self.pick),
        ]
        # The words of the frame that is followed, and what is due of them.
        width = len(unit.input.payload)
        followed = [Signal(width, name=f"followed_{i}") for i in range(count_in)]
        with m.If(watch.capturing), m.Switch(watch.in_index):
            for i, word in enumerate(followed):
                with m.Case(i):
                    m.d.sync += word.eq(unit.input.payload)
        padding = Const(sum(unit.padding_code << (lane * unit.bits) for lane in range(p.lanes)), width)
        due, needed = Signal(width), Signal(range(count_in + 1))
        sure, limit = Signal(range(most + 1)), Signal(range(most + 1))
        with m.Switch(watch.out_index):
            for n, source in enumerate(self._sources()):
                with m.Case(n):
                    m.d.comb += [
                        due.eq(padding if source < 0 else followed[source]),
                        needed.eq(int(p.needs[n])),
                        sure.eq(p.room(n)),
                        limit.eq(p.room(n + p.credits)),
                    ]
        accepted = Signal(range(count_in + 1))
        m.d.comb += accepted.eq(Mux(watch.complete, count_in, Mux(watch.inside == 0, 0, watch.in_index)))
        # Words accepted since the first of the frame whose words are being taken.
        held, ends = Signal(range(-count_in, 2 * most + 2)), Signal()
        m.d.comb += ends.eq(watch.leave & (watch.out_index == count_out - 1))
        m.d.sync += held.eq(held + watch.enter - Mux(ends, count_in, 0))

        rules.check("stable", stays(m, unit.output.valid, unit.output.ready, unit.output.payload))
        rules.check("result", ~(watch.checking & watch.leave) | (unit.output.payload == due))
        rules.check("count", ~unit.output.valid | (accepted >= needed))
        rules.check("buffer", (held <= limit) & watch.within)
        rules.check("accept", unit.input.ready | (held >= sure))
        rules.check("serve", waits(m, (accepted >= needed) & ~unit.output.valid, p.depth))
        rules.cover("followed", watch.checking & ends)
        rules.cover("full", ~unit.input.ready & unit.output.valid)

    def _sources(self) -> list[int]:
        """The input word that each output word is; -1 for the padding."""
        p = self._unit.pipeline
        words = p.position_words
        taps = p.window.taps()
        sources: list[int] = []
        for position in taps:
            if p.order == "vector":
                order = [(tap, word) for tap in position for word in range(words)]
            else:
                order = [(tap, word) for word in range(words) for tap in position]
            sources += [-1 if tap < 0 else int(tap) * words + word for tap, word in order]
        return sources
