"""A judge for the last part of the training: a discriminator of spectra.

Complex spectra, compressed as in the losses, at three resolutions, one drawn a step.
The first convolution takes bands of eight bins, so that it costs a CPU less than the
decoder does.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.parametrizations import weight_norm

from losses import level_of, spectrum

SIZES = (1024, 512, 256)


class Judge(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.register_buffer("window", torch.hann_window(size))
        self.layers = nn.ModuleList([
            weight_norm(nn.Conv2d(3, 24, (3, 8), (1, 8), (1, 0))),
            weight_norm(nn.Conv2d(24, 48, (3, 3), (1, 2), (1, 1))),
            weight_norm(nn.Conv2d(48, 64, (3, 3), (2, 2), (1, 1))),
            weight_norm(nn.Conv2d(64, 64, (3, 3), (1, 1), (1, 1)))])
        self.verdict = weight_norm(nn.Conv2d(64, 1, (3, 3), 1, (1, 1)))

    def forward(self, x, level):
        """Verdicts over time and frequency, and what the layers saw."""
        s = spectrum(x / level, self.window, self.size // 4)[:, :, :-1]
        power = s.pow(2).sum(-1, keepdim=True) + 1e-4
        s = torch.cat((s * power ** -0.35, power ** 0.15), -1).permute(0, 3, 1, 2)
        seen = []
        for layer in self.layers:
            s = F.leaky_relu(layer(s), 0.2)
            seen.append(s)
        return self.verdict(s), seen


def judge_loss(judge, out, ref):
    """Hinge: real above 1, made below -1."""
    level = level_of(ref)
    real, made = judge(ref, level)[0], judge(out.detach(), level)[0]
    return F.relu(1 - real).mean() + F.relu(1 + made).mean()


def decoder_losses(judge, out, ref):
    """Per example: how far the verdict is from "real", and how differently the judge sees the two."""
    level = level_of(ref)
    with torch.no_grad():
        _, wanted = judge(ref, level)
    verdict, seen = judge(out, level)
    match = sum((a - b).abs().mean((1, 2, 3)) / b.abs().mean().clamp(min=1e-3) for a, b in zip(seen, wanted))
    return -verdict.mean((1, 2, 3)), match / len(seen)
