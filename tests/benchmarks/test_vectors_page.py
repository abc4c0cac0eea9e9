"""What docs/benchmarks.md says of shared weight words is what was measured."""

from __future__ import annotations

from tests.benchmarks.neighbours import neighbour
from tests.benchmarks.test_lookup_page import table


def test_section() -> None:
    lane = {"memory": "block", "vectors": 2, "lut4_per_lane": 3.5, "lut4": 7168, "estimated_lut4": 7000}
    result = {
        "lanes": [{**lane, "ff": 10, "bram": 29}],
        "network": {
            "net": {
                "several": {
                    "cycles_per_frame": 40,
                    "frames_per_s_at_board_clock": 2000000,
                    "estimated_lut4": 900,
                    "block_rams": 3,
                    "foldings": [[2, 3, 4, "block", True], [5, 6, 1, "lut", False]],
                }
            }
        },
        "synthesized": {
            "net": {"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 3, "TRELLIS_FF": 4, "DP16KD": 5},
        },
        "built": {
            "net": {
                "utilization": {"TRELLIS_COMB": {"used": 1000, "available": 2000}},
                "fmax_mhz": 81.26,
                "clock_mhz": 80.0,
                "timing_met": True,
                "fps": 2000000.0,
                "stages_s": {"synth": 60.0, "place_route": 600.0},
            }
        },
        "simulated": {
            "net": {"images": 20, "mismatches": 0, "cycles_per_frame": 40, "predicted_cycles_per_frame": 40},
        },
    }
    lines = neighbour("vectors_page").vectors(result, table).splitlines()
    assert "| block RAM | 2 | 3.5 | 7168 | 7000 | 10 | 29 |" in lines
    assert "| net | up to 4, taps in columns | 40 | 2,000,000 | 900 | 3 | 2 x 3 (4) columns, 5 x 6 |" in lines
    assert "| net | 1 | 2 | 3 | 4 | 5 |" in lines
    assert "| net | 1000 | 81.3 | 80 | yes | 2,000,000 | 10 |" in lines
    assert "| net | 20 | 0 | 40 | 40 |" in lines
    without = neighbour("vectors_page").vectors({**result, "synthesized": {}, "built": {}, "simulated": {}}, table)
    assert not any(word in without for word in ("Synthesized", "bnnhw build", "simulate"))
