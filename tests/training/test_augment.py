from __future__ import annotations

import torch

from bnnhw.training.augment import random_mirror, random_shift


def test_every_shift_comes_and_is_one() -> None:
    image = torch.arange(1.0, 13.0).reshape(1, 2, 2, 3)
    moved = random_shift(image.expand(400, -1, -1, -1), (1, 2), torch.Generator().manual_seed(0), fill=-7)
    seen = set()
    for frame in moved:
        matches = []
        for dy in (-1, 0, 1):
            for dx in (-2, -1, 0, 1, 2):
                expected = torch.full((2, 2, 3), -7.0)
                for y in range(2):
                    for x in range(3):
                        if 0 <= y + dy < 2 and 0 <= x + dx < 3:
                            expected[:, y, x] = image[0, :, y + dy, x + dx]
                if torch.equal(frame, expected):
                    matches.append((dy, dx))
        assert len(matches) == 1
        seen.add(matches[0])
    assert len(seen) == 15


def test_frames_move_independently_and_a_seed_decides() -> None:
    x = torch.rand(50, 1, 4, 5, generator=torch.Generator().manual_seed(1))
    first, again, other = (random_shift(x, (1, 1), torch.Generator().manual_seed(s)) for s in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(random_shift(x, (0, 0), torch.Generator()), x)


def test_half_of_the_maps_are_mirrored() -> None:
    x = torch.arange(600.0 * 6).reshape(600, 1, 2, 3)
    found = random_mirror(x, torch.Generator().manual_seed(0))
    turned = (found == x.flip(3)).flatten(1).all(1)
    assert torch.equal(found[~turned], x[~turned])
    # Of 600, 2.5 standard deviations about a half.
    assert 270 <= int(turned.sum()) <= 330
