from __future__ import annotations

import numpy as np
import pytest

from bnnhw.errors import NetworkError
from bnnhw.ir import DataType, PRelu, Quantizer, Scale, Shift, apply, falling


def test_prelu_by_hand() -> None:
    chain = (Shift(np.array([-1.0, 2.0])), PRelu(np.array([0.5, 3.0])), Scale(np.array([1.0, -1.0])))
    found = apply(chain, np.array([[3, -4], [1, -2], [-3, 5]]))
    # Neuron 0: 2, 0, 0.5 * -4. Neuron 1: -(3 * -2), -0, -7.
    assert found.tolist() == [[2, 6], [0, 0], [-2, -7]]
    assert falling(chain, 2).tolist() == [False, True]


@pytest.mark.parametrize(
    ("slope", "message"),
    [
        (
            [0.25, -0.5],
            r"prelu: slope must not be negative, since it then is not monotone, not -0\.5 as in neuron 1",
        ),
        ([np.nan], r"prelu: slope must be finite"),
        ([[1.0]], r"prelu: slope must have one value per neuron, not shape \(1, 1\)"),
    ],
)
def test_impossible_slopes(slope: object, message: str) -> None:
    with pytest.raises(NetworkError, match=rf"^{message}$"):
        PRelu(np.array(slope))


def test_a_quantizer_of_more_than_eight_bits_counts_all_levels() -> None:
    dtype = DataType("uint", 10)
    bounds = np.arange(1.0, 1024.0)[None]
    quantizer = Quantizer(dtype, bounds, np.zeros(1023, np.bool_))
    values = np.array([[-3.0], [0.5], [255.5], [256.0], [300.0], [1023.0], [5000.0]])
    levels = quantizer.levels(values)
    assert levels.dtype == np.uint16
    assert levels.ravel().tolist() == [0, 0, 255, 256, 300, 1023, 1023]
