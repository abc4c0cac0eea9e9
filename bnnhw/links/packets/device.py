"""A board behind packets: frames in, classes out."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Self

from bnnhw.errors import CheckError, RequestError
from bnnhw.links.host import Port
from bnnhw.links.packets.packet import MAX_COUNT, TAGS_IN_FLIGHT, VERSION, ErrorCode, LoadState, PacketType
from bnnhw.links.packets.protocol import (
    BoardCounts,
    BoardError,
    BoardInfo,
    BoardLoaded,
    BoardResult,
    Decoder,
    Reply,
    encode_count,
    encode_frame,
    encode_info_request,
    encode_load,
    encode_load_begin,
)

__all__ = ["Device", "Port"]

TIMEOUT_S = 1.0
"""How long a reply may take."""

QUIET_S = 0.15
"""Silence after which the board has given up any unfinished packet; longer than its own timeout of 0.1 s."""

NEVER_QUIET = 10
"""After so many times the silence that is waited for, a line that never falls silent is taken as it is."""

ATTEMPTS = 5
"""How often a frame is sent before the link is called broken."""

LOADING_S = 30.0
"""How long a board may fill its memories: the largest image over a slow link takes a few seconds."""

NO_WEIGHTS = (
    "the board has no weights: the image behind the bitstream in its flash is not there, damaged or another design's; "
    "program it again (`bnnhw program`), or load weights (`bnnhw load`) where it is writable"
)

_FIXED = (ErrorCode.BAD_TYPE, PacketType.LOAD_BEGIN)
"""What a board says of an image, code and type of the packet, that takes none."""


class Device:
    """A board that runs an accelerator behind a link of packets.

    Frames are sent ahead of their results, as many as the board has room for. A frame that the board
    reports as dropped, or whose result does not come, is sent again. Where the board had no room for one, which is its
    accelerator's doing and not the line's, one fewer is sent ahead from then on.

    Parameters
    ----------
    port : Port
    timeout_s : float
        How long a reply may take.
    quiet_s : float
        Silence on the line after which the board has given up an unfinished packet.
    settle_s : float, optional
        Silence before the first request; ``quiet_s`` when not given.
    clock : callable
        Seconds since any moment.

    Attributes
    ----------
    info : BoardInfo
        What the board says of itself.
    resent : int
        Frames that were sent more than once.

    Raises
    ------
    CheckError
        When the board does not answer, or speaks another version of the protocol.
    """

    def __init__(
        self,
        port: Port,
        *,
        timeout_s: float = TIMEOUT_S,
        quiet_s: float = QUIET_S,
        settle_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._timeout_s = timeout_s
        self._quiet_s = quiet_s
        self._clock = clock
        self._decoder = Decoder()
        self._pending: list[Reply] = []
        self._held: list[Reply] = []
        self._ahead = TAGS_IN_FLIGHT
        self.resent = 0
        self.info = self._ask(quiet_s if settle_s is None else settle_s)
        if self.info.version != VERSION:
            raise CheckError(f"the board speaks version {self.info.version} of the protocol, this host {VERSION}")
        self._decoder.score_bytes = self.info.score_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._port.close()

    def check(self, identity: int, frame_bytes: int, classes: int) -> None:
        """:class:`~bnnhw.errors.CheckError` unless the board holds the design with these figures."""
        if (self.info.identity, self.info.frame_bytes, self.info.classes) != (identity, frame_bytes, classes):
            raise CheckError(
                f"the board holds design {self.info.identity:08x} ({self.info.frame_bytes} bytes per frame, "
                f"{self.info.classes} classes), not {identity:08x} ({frame_bytes}, {classes}): program it first"
            )

    def run(self, frames: Iterable[bytes]) -> Iterator[BoardResult]:
        """Results of frames, in order, as they come; ``tag`` is the frame's number modulo 256.

        Raises
        ------
        RequestError
            For a frame of another length than the board's; nothing of it is sent.
        CheckError
            When a frame has been sent :data:`ATTEMPTS` times in vain.
        """
        # Of frames that nobody waits for any more.
        self._held, self._pending = [], []
        waiting: OrderedDict[int, bytes] = OrderedDict()
        results: dict[int, BoardResult] = {}
        source = enumerate(frames)
        expected = 0
        exhausted = False
        failures = 0
        # Frames for which there was no room: the others are still answered, and no silence is waited for.
        refused = 0
        loading = 0
        while True:
            while not exhausted and not refused and len(waiting) + len(results) < self._ahead:
                number, frame = next(source, (0, None))
                if frame is None:
                    exhausted = True
                    break
                if len(frame) != self.info.frame_bytes:
                    raise RequestError(f"frame {number} must have {self.info.frame_bytes} bytes, not {len(frame)}")
                waiting[number % 256] = frame
                self._port.write(encode_frame(frame, number % 256))
            if not waiting:
                return
            reply = self._receive()
            resend = False
            if isinstance(reply, BoardError) and reply.code == ErrorCode.OVERRUN and self._ahead > 1:
                replies: Sequence[Reply] = []
                self._ahead -= 1
                refused += 1
            elif isinstance(reply, BoardError) and reply.code == ErrorCode.LOADING:
                # The others are still answered; it takes frames again when its memories are full.
                replies, resend, refused = self._drain(self._quiet_s), True, 0
                loading += 1
                if loading * self._quiet_s > LOADING_S:
                    raise CheckError(f"the board has been filling its memories for {LOADING_S:g} s: load weights again")
            elif isinstance(reply, BoardError) and reply.code == ErrorCode.NO_WEIGHTS:
                raise CheckError(NO_WEIGHTS)
            elif reply is not None and not isinstance(reply, BoardError):
                replies = [reply]
                failures = loading = 0
            else:
                resend, refused = True, 0
                failures += 1
                if failures == ATTEMPTS:
                    reason = "no reply" if reply is None else reply.reason
                    raise CheckError(f"the link failed {ATTEMPTS} times in a row, the last time with: {reason}")
                # Frames behind the dropped one may still be answered; what is left over is sent again.
                replies = self._drain(self._quiet_s)
            if any(isinstance(each, BoardError) and each.code == ErrorCode.NO_WEIGHTS for each in replies):
                raise CheckError(NO_WEIGHTS)
            for result in replies:
                if isinstance(result, BoardResult) and result.tag in waiting:
                    del waiting[result.tag]
                    results[result.tag] = result
            while expected in results:
                yield results.pop(expected)
                expected = (expected + 1) % 256
            if refused and len(waiting) <= refused:
                resend, refused = True, 0
            if resend:
                self._resend(waiting)

    def count(self, frames: int, seconds: float) -> BoardCounts:
        """What became of so many of the frames that the board holds.

        A request whose answer does not come, or is another's, is sent again: the board then counts anew.

        Parameters
        ----------
        frames : int
            Up to :data:`~bnnhw.links.packets.packet.MAX_COUNT`.
        seconds : float
            How long they take.

        Raises
        ------
        RequestError
            For a number of frames that a packet has no room for.
        CheckError
            When it was sent :data:`ATTEMPTS` times in vain.
        """
        if not 1 <= frames <= MAX_COUNT:
            raise RequestError(f"frames must be in 1..{MAX_COUNT}, not {frames}")
        reply: Reply | None = None
        for attempt in range(ATTEMPTS):
            if attempt:
                # The answer to the one before may still come, and then another may be asked for.
                self._drain(seconds + self._quiet_s)
            self._port.write(encode_count(frames))
            reply = self._receive(seconds)
            if isinstance(reply, BoardCounts) and reply.frames == frames:
                return reply
        reason = reply.reason if isinstance(reply, BoardError) else "no reply"
        raise CheckError(f"the link failed {ATTEMPTS} times in a row, the last time with: {reason}")

    def load(self, image: bytes) -> None:
        """Replaces the weights of the board by those of an image, between frames.

        It may be called while the results of :meth:`run` are taken: frames that the board has accepted are answered
        by the network that was there, those behind them by the one that comes.

        Raises
        ------
        CheckError
            When the board's weights can't be replaced, when it takes the image for another design's, and when it was
            sent :data:`ATTEMPTS` times in vain. The board then refuses frames until it has an image that is good.
        """
        reason = "no reply"
        for _ in range(ATTEMPTS):
            reply = self._answer(encode_load_begin())
            for packet in encode_load(image) if isinstance(reply, BoardLoaded) else ():
                reply = self._answer(packet)
                if not isinstance(reply, BoardLoaded) or reply.state != LoadState.MORE:
                    break
            if isinstance(reply, BoardLoaded) and reply.state == LoadState.GOOD:
                self._held = [_again(each) for each in self._held]
                return
            if isinstance(reply, BoardError) and (reply.code, reply.kind) == _FIXED:
                raise CheckError("the weights of the board can't be replaced: build it --writable, and program it")
            reason = "the board says that it is damaged, or another design's"
            if not isinstance(reply, BoardLoaded):
                reason = "no reply" if reply is None else reply.reason
            # An answer that was late, and what of a packet is left on the way.
            self._held.extend(each for each in self._drain(self._quiet_s) if isinstance(each, BoardResult | BoardError))
        raise CheckError(
            f"the image was sent {ATTEMPTS} times in vain, the last time with: {reason}; the board takes no frames "
            "until weights are loaded"
        )

    def _answer(self, packet: bytes) -> BoardLoaded | BoardError | None:
        """What the board says of a packet of a load; answers to frames are kept for who waits for them."""
        self._port.write(packet)
        kind = packet[1]
        while (reply := self._receive(held=False)) is not None:
            if isinstance(reply, BoardLoaded):
                return reply
            if isinstance(reply, BoardError) and reply.kind in (kind, 0):
                return reply
            self._held.append(reply)
        return None

    def _resend(self, waiting: OrderedDict[int, bytes]) -> None:
        for tag, frame in waiting.items():
            self.resent += 1
            self._port.write(encode_frame(frame, tag))

    def _ask(self, settle_s: float) -> BoardInfo:
        for attempt in range(ATTEMPTS):
            self._drain(self._quiet_s if attempt else settle_s)
            self._port.write(encode_info_request())
            reply = self._receive()
            if isinstance(reply, BoardInfo):
                return reply
        raise CheckError(f"no board answers: {ATTEMPTS} requests without a reply")

    def _receive(self, seconds: float = 0.0, *, held: bool = True) -> Reply | None:
        """The next reply, or None after so many seconds and the timeout; ``held``: those put aside come first."""
        if held and self._held:
            return self._held.pop(0)
        if self._pending:
            return self._pending.pop(0)
        end = self._clock() + seconds + self._timeout_s
        while self._clock() < end:
            self._pending.extend(self._decoder.feed(self._port.read(256)))
            if self._pending:
                return self._pending.pop(0)
        self._decoder.reset()
        return None

    def _drain(self, quiet_s: float) -> Sequence[Reply]:
        """Listens until the line has been silent for so long, or will never be; the replies that came."""
        replies = [*self._held, *self._pending]
        self._held, self._pending = [], []
        end = self._clock() + quiet_s
        last = self._clock() + NEVER_QUIET * quiet_s
        while self._clock() < min(end, last):
            received = self._port.read(256)
            if received:
                replies.extend(self._decoder.feed(received))
                end = self._clock() + quiet_s
        self._decoder.reset()
        return replies


def _again(reply: Reply) -> Reply:
    """What is said of a frame that was refused for want of weights, once there are some: it may be sent again."""
    refused = isinstance(reply, BoardError) and reply.code == ErrorCode.NO_WEIGHTS
    return BoardError(ErrorCode.LOADING, reply.kind) if refused else reply
