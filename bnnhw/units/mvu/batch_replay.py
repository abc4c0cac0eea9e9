"""The replay buffers of a matrix-vector unit in which several vectors share a weight word: a bank for each of them."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Elaboratable, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bnnhw.devices import Technology, buffer_style, ram_attributes
from bnnhw.rtl.fifo import stays_positive
from bnnhw.rtl.registers import reaches_end, successor
from bnnhw.units.mvu.batch_timing import BatchTiming

__all__ = ["BatchReplay"]


class BatchReplay(wiring.Component):
    """Holds two vectors of SF words in each of M banks; issues those of a batch side by side, ``passes`` times over.

    Vector ``v`` lies in bank ``v % M``. A batch is of the vectors that are whole when the round before has ended, M at
    most, or of the first that is whole after that: a round waits for no vector, since none may come.

    II = SF * passes cycles per batch. Latency: a round may begin in the cycle after the last word of a vector was
    accepted. Stalls: the last word of each neuron fold is issued when :attr:`grant` is high; nothing else waits within
    a round. A word is accepted until the buffers are full. Storage: ``buffer_words`` words, and where a vector has
    several, one more: a word is written in the cycle after it was accepted, so that registers alone reach the banks,
    which are far apart. A round that begins with it in the buffer reads the vector's other words first.

    Parameters
    ----------
    timing : BatchTiming
    width : int
        Bits a word.
    technology : Technology
        Where the buffers live.

    Members
    -------
    input : stream of ``unsigned(width)``
    position : Out(range(SF))
        Of the word at the input in its vector.
    grant : In(1)
        A neuron fold may end in this cycle.
    issue, ends, last : Out(1)
        A word of each vector of the batch is issued; it ends a pass over its words; it ends a neuron fold.
    active : Out(M)
        The lanes of the batch.
    address : Out(range(SF * NF))
        Of the weights.
    plane : Out(range(serial))
        Of bit-serial planes, the one to be taken; the highest comes first.
    words : Out(M * width)
        What was issued in the cycle before, side by side; of lanes that are not in the batch anything.
    """

    def __init__(self, timing: BatchTiming, width: int, technology: Technology) -> None:
        self._timing = timing
        self._technology = technology
        super().__init__(
            {
                "input": In(stream.Signature(unsigned(width))),
                "position": Out(range(timing.synapse_folds)),
                "grant": In(1),
                "issue": Out(1),
                "ends": Out(1),
                "last": Out(1),
                "active": Out(timing.vectors),
                "address": Out(range(timing.weight_words)),
                "plane": Out(range(timing.serial), init=timing.serial - 1),
                "words": Out(timing.vectors * width),
            }
        )

    def elaborate(self, platform: object) -> Elaboratable:
        m = Module()
        whole, finish = Signal(), Signal()
        synapse = Signal(range(self._timing.synapse_folds))
        self._issue(m, synapse, finish)
        self._banks(m, synapse, whole, finish)
        self._batches(m, whole, finish)
        return m

    def _issue(self, m: Module, synapse: Signal, finish: Signal) -> None:
        """Where a round stands; ``finish`` is high in its last cycle."""
        p = self._timing
        sf, passes = p.synapse_folds, p.passes
        reading, fold_start = Signal(range(passes)), Signal(range(p.weight_words))
        last_pass, at_end = Signal(init=passes == 1), Signal(init=sf == 1)
        lowest = Signal(init=p.serial == 1)
        m.d.comb += [
            self.issue.eq(self.active.any() & (~(at_end & lowest) | self.grant)),
            self.ends.eq(self.issue & at_end),
            self.last.eq(self.ends & lowest),
            finish.eq(self.ends & last_pass),
        ]
        with m.If(self.issue):
            m.d.sync += [
                self.address.eq(Mux(at_end & ~lowest, fold_start, successor(self.address, p.weight_words))),
                synapse.eq(successor(synapse, sf)),
                at_end.eq(reaches_end(synapse, at_end, sf)),
            ]
        with m.If(self.ends):
            m.d.sync += [reading.eq(successor(reading, passes)), last_pass.eq(reaches_end(reading, last_pass, passes))]
            if p.serial > 1:
                m.d.sync += [self.plane.eq(Mux(lowest, p.serial - 1, self.plane - 1)), lowest.eq(self.plane == 1)]
        with m.If(self.last):
            m.d.sync += fold_start.eq(successor(self.address, p.weight_words))

    def _banks(self, m: Module, synapse: Signal, whole: Signal, finish: Signal) -> None:
        """The memories; ``whole`` is high when the last word of a vector is accepted."""
        p, width = self._timing, len(self.input.payload)
        size = 2 * p.synapse_folds
        attributes = ram_attributes(buffer_style(size, width, self._technology), self._technology)
        bank, half, at_end = Signal(range(p.vectors)), Signal(), Signal(init=p.synapse_folds == 1)
        accept = Signal()
        m.d.comb += [accept.eq(self.input.valid & self.input.ready), whole.eq(accept & at_end)]
        with m.If(accept):
            m.d.sync += [
                self.position.eq(successor(self.position, p.synapse_folds)),
                at_end.eq(reaches_end(self.position, at_end, p.synapse_folds)),
            ]
        with m.If(whole):
            m.d.sync += [bank.eq(successor(bank, p.vectors)), half.eq(half ^ (bank == p.vectors - 1))]
        word, place, chosen = Signal(width, reset_less=True), Signal(range(size)), Signal(p.vectors)
        # The only word of a vector is read in the cycle after it was accepted.
        written = m.d.comb if p.synapse_folds == 1 else m.d.sync
        written += [
            word.eq(self.input.payload),
            place.eq(Cat(half, self.position)),
            chosen.eq(Cat(accept & (bank == n) for n in range(p.vectors))),
        ]
        for n in range(p.vectors):
            buffer = memory.Memory(shape=unsigned(width), depth=size, init=[], attrs=attributes)
            m.submodules[f"bank_{n}"] = buffer
            write, read = buffer.write_port(), buffer.read_port()
            # The halves of a bank alternate, word by word: no address needs an adder, and none is left over.
            reads = Signal(name=f"half_{n}")
            with m.If(finish & self.active[n]):
                m.d.sync += reads.eq(~reads)
            m.d.comb += [
                write.addr.eq(place),
                write.en.eq(chosen[n]),
                write.data.eq(word),
                read.addr.eq(Cat(reads, synapse)),
                self.words[n * width : (n + 1) * width].eq(read.data),
            ]

    def _batches(self, m: Module, whole: Signal, finish: Signal) -> None:
        """Which vectors are taken together, and what is free."""
        p = self._timing
        waiting = Signal(range(2 * p.vectors + 1))  # Whole vectors that no round has begun with.
        free, fits = Signal(range(2 * p.vectors + 1), init=2 * p.vectors), Signal(init=1)
        first = Signal(range(p.vectors))  # Lane of the next vector.
        there, count = Signal(range(2 * p.vectors + 1)), Signal(range(p.vectors + 1))
        taking, taken, freed = Signal(), Signal.like(count), Signal.like(count)
        m.d.comb += [
            self.input.ready.eq(fits),
            there.eq(waiting + whole),
            count.eq(Mux(there < p.vectors, there, p.vectors)),
            taking.eq(finish | ~self.active.any()),
            taken.eq(Mux(taking, count, 0)),
            freed.eq(Mux(finish, sum(self.active[n] for n in range(p.vectors)), 0)),
        ]
        m.d.sync += [
            waiting.eq(there - taken),
            free.eq(free + freed - whole),
            fits.eq(finish | stays_positive(free, Const(0), whole)),
        ]
        with m.If(taking):
            m.d.sync += first.eq(_modulo(m, first + count, p.vectors))
            for n in range(p.vectors):
                # Lane n is the one so many places behind the first.
                place = Signal(range(p.vectors), name=f"place_{n}")
                m.d.comb += place.eq(_modulo(m, n + p.vectors - first, p.vectors))
                m.d.sync += self.active[n].eq(place < count)


def _modulo(m: Module, value: Value, size: int) -> Value:
    """The rest of a number of less than twice ``size``, or three times where it is a power of two."""
    bound = Signal(len(value), name="bound")
    m.d.comb += bound.eq(value)
    return bound[: (size - 1).bit_length()] if size & (size - 1) == 0 else Mux(bound >= size, bound - size, bound)
