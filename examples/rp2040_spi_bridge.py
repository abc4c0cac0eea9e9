"""MicroPython for an RP2040 beside the FPGA: transactions of a host at its USB serial port, made on SPI.

As main.py on the RP2040; the pins are the pico-ice's. The host says the length of a transaction in two bytes, little
endian, and its bytes; as many come back. One that is not whole after 50 ms of silence is given up. What else the board
needs of its firmware, such as the FPGA's clock, is no part of this.

    bnnhw run bitstream --port /dev/ttyACM0 --dataset digits --check
"""

import select
import sys

import micropython
from machine import SPI, Pin

RATE = 20_000_000
LONGEST = 4096
QUIET_MS = 50


def receive(source, poll, buffer, size):
    """Fills the first bytes of a buffer; False where they do not come."""
    for place in range(size):
        if not poll.poll(QUIET_MS):
            return False
        buffer[place] = source.read(1)[0]
    return True


def transaction(spi, chip_select, source, sink, poll, sent, back):
    """One transaction, if a whole one comes."""
    if not receive(source, poll, sent, 2):
        return
    size = sent[0] | sent[1] << 8
    if size > LONGEST or not receive(source, poll, sent, size):
        return
    views = memoryview(sent)[:size], memoryview(back)[:size]
    chip_select(0)
    spi.write_readinto(*views)
    chip_select(1)
    sink.write(views[1])


def main():
    # A byte of a frame may be Ctrl-C.
    micropython.kbd_intr(-1)
    chip_select = Pin(9, Pin.OUT, value=1)
    spi = SPI(1, baudrate=RATE, polarity=0, phase=0, sck=Pin(10), mosi=Pin(11), miso=Pin(8))
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    sent, back = bytearray(LONGEST), bytearray(LONGEST)
    while True:
        transaction(spi, chip_select, sys.stdin.buffer, sys.stdout.buffer, poll, sent, back)


if __name__ == "__main__":
    main()
