"""What others published of MNIST on chips: accuracy, look-up tables and rate, and what they count."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ELSEWHERE", "Elsewhere"]

UNKNOWN = "not said"


@dataclass(frozen=True)
class Elsewhere:
    """A published network.

    Parameters
    ----------
    name, source : str
    accuracy : float
        Percent of MNIST's test images.
    size : str
        In the source's words.
    lut6 : int, optional
        Look-up tables of six inputs.
    fps : float, optional
        Frames per second.
    encoder, sums, argmax, link : str
        Whether the figure counts them: the encoding of pixels, sums of classes, the choice of the highest, what brings
        frames in.
    """

    name: str
    source: str
    accuracy: float
    size: str
    lut6: int | None = None
    fps: float | None = None
    encoder: str = UNKNOWN
    sums: str = UNKNOWN
    argmax: str = UNKNOWN
    link: str = UNKNOWN


_BITS = "no: takes bits"
_FINN = "Umuroglu et al., 2017"
_DWN = "Bacellar et al., 2024"
_DWN_STUDY = "dwn-fpga-study, 2026"

ELSEWHERE = (
    Elsewhere("FINN SFC-max, ZC706, 200 MHz", _FINN, 95.83, "91,131 LUT6", 91_131, 12.36e6, _BITS, "yes"),
    Elsewhere("FINN LFC-max, ZC706, 200 MHz", _FINN, 98.4, "82,988 LUT6 *, 396 RAMs *", 82_988, 1.56e6, _BITS, "yes"),
    Elsewhere("BNN-PYNQ LFC W1A1", "BNN-PYNQ", 98.35, "28,360 LUT6", 28_360, None, _BITS, "yes"),
    Elsewhere("LUTNet", "Wang et al., 2019", 98.01, "58,192 LUT6", 58_192, 200e6),
    *(
        Elsewhere("DWN, xcvu9p, 827 MHz", _DWN, accuracy, f"{lut6:,} LUT6", lut6, 827e6, "no")
        for accuracy, lut6 in ((97.1, 692), (97.9, 1_413), (98.3, 4_082))
    ),
    Elsewhere("DWN, Artix-7 35T", _DWN_STUDY, 95.93, "1,264 LUT6", 1_264, None, "yes"),
    Elsewhere("DWN, Artix-7 35T, 108 MHz", _DWN_STUDY, 97.70, "2,246 LUT6", 2_246, 108e6, "yes"),
    Elsewhere("DWN, Artix-7 35T, 92 MHz", _DWN_STUDY, 98.32, "5,670 LUT6", 5_670, 92e6, "yes"),
    Elsewhere("LILogicNet, gates of 2 inputs", "LILogicNet", 98.45, "8,000 gates, no LUT published"),
    Elsewhere("tt10-lgn-mnist, iCEBreaker", "tt10-lgn-mnist", 94.49, "7,650 gates, neither LUT nor MHz published"),
)  # fmt: skip
"""Figures as the sources give them. The rates of DWN are its clocks: a frame per cycle."""
