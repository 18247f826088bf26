"""Signals that the goldens in this folder are made from."""

import numpy as np


def noise(count, seed):
    """Uniform in [-1, 1), exact in float32: the same generator is in ../measure.rs."""
    state, values = seed, np.empty(count)
    for n in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        values[n] = (state >> 8) / 2**23 - 1
    return values


def signals(count, seed):
    """A triangle wave with noise, and the same with more noise; exact in float32."""
    triangle = np.abs((np.arange(count) % 128) - 64) / 64 - 0.5
    reference = triangle / 2 + noise(count, seed) / 64
    return reference, reference + noise(count, seed + 1) / 32
