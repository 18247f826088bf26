"""Random pieces of training audio: class mix, level augmentation, synthetic edge cases."""

import json
from pathlib import Path

import numpy as np
import torch

RATE = 24000
MIX = {"speech": 0.55, "music": 0.28, "effects": 0.12}    # the rest is synthetic


class Sampler:
    def __init__(self, data, seed=0, split="train"):
        self.rng = np.random.default_rng(seed)
        self.shards = {}
        for kind in MIX:
            paths = sorted(Path(data).glob(f"{split}-{kind}-*.npy"))
            audio = [np.load(p, mmap_mode="r") for p in paths]
            # Sizes count by their square root: no package drowns the others.
            share = np.sqrt([len(a) for a in audio])
            self.shards[kind] = audio, share / share.sum()

    def piece(self, n):
        kind = self.rng.choice([*MIX, "synthetic"], p=[*MIX.values(), 1 - sum(MIX.values())])
        if kind == "synthetic":
            return self.synthetic(n)
        audio, share = self.shards[kind]
        a = audio[self.rng.choice(len(audio), p=share)]
        if len(a) <= n:
            x = np.pad(a, (0, n - len(a)))
        else:
            at = self.rng.integers(0, len(a) - n)
            x = a[at: at + n]
        x = x.astype(np.float32) / 32768
        # Peak between -3 and -40 dBFS, more often loud; the gain of noise floors is limited.
        peak = np.abs(x).max()
        target = 10 ** ((-3 - 37 * self.rng.random() ** 1.7) / 20)
        gain = min(target / max(peak, 1e-6), 30.0)
        return x * gain * self.rng.choice((-1.0, 1.0))

    def synthetic(self, n):
        rng, t = self.rng, np.arange(n) / RATE
        level = 10 ** ((-3 - 40 * rng.random()) / 20)
        choice = rng.integers(5)
        if choice == 0:
            return np.zeros(n, np.float32)
        if choice == 1:                                        # a chord of steady tones
            x = sum(np.sin(2 * np.pi * 40 * 250 ** rng.random() * t + 6.3 * rng.random())
                    for _ in range(rng.integers(1, 4)))
        elif choice == 2:                                      # coloured noise
            x = np.fft.irfft(np.fft.rfft(rng.standard_normal(n)) / (1 + np.arange(n // 2 + 1)) ** rng.random(), n)
        elif choice == 3:                                      # clicks
            x = np.zeros(n)
            x[rng.integers(0, n, rng.integers(2, 30))] = rng.choice((-1, 1))
        else:                                                  # a sweep
            a, b = 40 * 250 ** rng.random(2)
            x = np.sin(2 * np.pi * np.cumsum(np.geomspace(a, b, n)) / RATE)
        return (level * x / (np.abs(x).max() + 1e-9)).astype(np.float32)

    def pieces(self, count, n):
        return torch.from_numpy(np.stack([self.piece(n) for _ in range(count)]).astype(np.float32))
