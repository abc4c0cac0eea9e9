"""What a trained network's layers are worth and what they cost: decisions before the next training."""

from bnnhw.analysis.activations import ActivationSite, activation_sites, with_widths
from bnnhw.analysis.sensitivity import Measurement, Sensitivity, measure
from bnnhw.analysis.widths import Suggestion, suggest

__all__ = [
    "ActivationSite",
    "Measurement",
    "Sensitivity",
    "Suggestion",
    "activation_sites",
    "measure",
    "suggest",
    "with_widths",
]
