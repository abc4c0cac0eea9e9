"""XNOR-Net's networks for ImageNet: AlexNet and ResNet-18 of binary convolutions in the order norm, sign, convolution.

Rastegari et al., "XNOR-Net: ImageNet Classification Using Binary Convolutional Neural Networks", 2016, section 3.2 and
fig. 3 (the block), section 4 (the networks). As there, the first and the last layer keep real-valued weights; padding
is -1 here, which is an element, where they pad with 0.

They are definitions to train and to compare with, and no networks for the boards of this project, for two reasons.
Size: AlexNet has 58.2 million binary weights and ResNet-18 11.0 million, and the largest board's block RAM holds 3.8
million bits. Form: real-valued layers, and the input scale K, have no export (:mod:`bnnhw.training.scaling`).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bnnhw.training.conv import MaxPool
from bnnhw.training.layers import BatchNorm, BinaryActivation
from bnnhw.training.scaling import InputScaledConv2d, ScaledConv2d

__all__ = ["ResidualBlock", "XnorBlock", "alexnet", "resnet18"]


class XnorBlock(nn.Sequential):
    """``BatchNorm -> BinActiv -> BinConv -> Pool`` (fig. 3, right).

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    kernel, stride, padding : int
    input_scaled : bool
        Multiply by K, the input's scale; otherwise by alpha alone.
    pool : (int, int), optional
        Kernel and stride of a max pool.
    generator : torch.Generator, optional

    Input and output: ``(frames, channels, height, width)``, real-valued.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        *,
        input_scaled: bool = False,
        pool: tuple[int, int] | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        kind = InputScaledConv2d if input_scaled else ScaledConv2d
        around = (padding, padding, padding, padding)
        conv = kind(inputs, outputs, kernel, stride=stride, padding=around, generator=generator)
        # The input-scaled convolution takes the sign itself: it needs the sizes too.
        sign = [] if input_scaled else [BinaryActivation()]
        super().__init__(BatchNorm(inputs), *sign, conv, *([MaxPool(*pool)] if pool else []))


def _real(inputs: int, outputs: int, kernel: int, stride: int, padding: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), BatchNorm(outputs), nn.ReLU()]


def alexnet(
    classes: int = 1000, width: float = 1.0, input_scaled: bool = False, generator: torch.Generator | None = None
) -> nn.Sequential:
    """AlexNet: 5 convolutions, 3 fully connected layers (as convolutions), of which all but the ends are binary.

    Parameters
    ----------
    classes : int
    width : float
        Channels and neurons of the hidden layers are multiplied by it.
    input_scaled : bool
        With K.
    generator : torch.Generator, optional
        Source of the binary layers' weights; the others take theirs from PyTorch's global one.

    Input: ``(frames, 3, 224, 224)``. Output: scores ``(frames, classes)``.
    """
    a, b, c, d = (max(1, round(number * width)) for number in (96, 256, 384, 4096))

    def block(inputs: int, outputs: int, kernel: int, padding: int = 0, pooled: bool = False) -> XnorBlock:
        pool = (3, 2) if pooled else None
        return XnorBlock(
            inputs, outputs, kernel, padding=padding, input_scaled=input_scaled, pool=pool, generator=generator
        )

    return nn.Sequential(
        *_real(3, a, 11, 4, 2),
        MaxPool(3, 2),
        block(a, b, 5, 2, pooled=True),
        block(b, c, 3, 1),
        block(c, c, 3, 1),
        block(c, b, 3, 1, pooled=True),
        block(b, d, 6),
        block(d, d, 1),
        BatchNorm(d),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(d, classes),
    )


class ResidualBlock(nn.Module):
    """Two binary convolutions of 3 x 3 and the shortcut around both; a real-valued 1 x 1 one where the shape changes.

    Parameters and shapes: as for :class:`XnorBlock`.
    """

    def __init__(
        self, inputs: int, outputs: int, stride: int, input_scaled: bool, generator: torch.Generator | None
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            XnorBlock(inputs, outputs, 3, stride, 1, input_scaled=input_scaled, generator=generator),
            XnorBlock(outputs, outputs, 3, 1, 1, input_scaled=input_scaled, generator=generator),
        )
        same = inputs == outputs and stride == 1
        self.shortcut: nn.Module = nn.Identity() if same else nn.Sequential(*_real(inputs, outputs, 1, stride, 0)[:2])

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x)


def resnet18(
    classes: int = 1000, width: float = 1.0, input_scaled: bool = False, generator: torch.Generator | None = None
) -> nn.Sequential:
    """ResNet-18 (He et al., "Deep Residual Learning for Image Recognition", 2016, table 1) of :class:`ResidualBlock`.

    Parameters and output: as for :func:`alexnet`. Input: ``(frames, 3, height, width)``, 224 x 224 in the paper.
    """
    widths = [max(1, round(number * width)) for number in (64, 128, 256, 512)]
    modules: list[nn.Module] = [*_real(3, widths[0], 7, 2, 3), nn.MaxPool2d(3, 2, 1)]
    inputs = widths[0]
    for stage, outputs in enumerate(widths):
        for number in range(2):
            stride = 2 if stage and not number else 1
            modules.append(ResidualBlock(inputs, outputs, stride, input_scaled, generator))
            inputs = outputs
    return nn.Sequential(
        *modules, BatchNorm(inputs), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)
    )
