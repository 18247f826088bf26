"""Distances between a clip and its copy, and the held-out clips they are measured on."""

import json
import warnings
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

RATE = 24000


def mel_matrix(n_fft, bands, rate=RATE):
    mel = lambda f: 2595 * np.log10(1 + f / 700)
    edges = 700 * (10 ** (np.linspace(mel(0), mel(rate / 2), bands + 2) / 2595) - 1)
    return band_matrix(np.arange(n_fft // 2 + 1) * rate / n_fft, edges)


def band_matrix(f, edges):
    """(bands, bins): triangles that begin, peak and end at neighbouring `edges`."""
    up = (f - edges[:-2, None]) / np.diff(edges)[:-1, None]
    down = (edges[2:, None] - f) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(up, down)).astype(np.float32)


MEL = mel_matrix(1024, 80)
WINDOW = np.hanning(1024).astype(np.float32)


def log_mel(x):
    frames = np.lib.stride_tricks.sliding_window_view(x, 1024)[::256]
    return np.log10(np.maximum(np.abs(np.fft.rfft(frames * WINDOW)) @ MEL.T, 1e-2))


def mel_distance(ref, out):
    """Mean absolute difference of log10 mel magnitudes, 80 bands."""
    return float(np.abs(log_mel(ref) - log_mel(out)).mean())


def si_sdr(ref, out):
    ref, out = ref - ref.mean(), out - out.mean()
    target = ref * (out @ ref) / (ref @ ref + 1e-12)
    return float(10 * np.log10((target @ target + 1e-12) / (((out - target) ** 2).sum() + 1e-12)))


def pesq_wb(ref, out):
    from pesq import pesq, PesqError
    r, o = (resample_poly(v, 2, 3).astype(np.float32) for v in (ref, out))
    try:
        return float(pesq(16000, r, o, "wb"))
    except PesqError:
        return float("nan")


def stoi(ref, out):
    from pystoi import stoi as score
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(score(ref, out, RATE))


def measure(ref, out, speech):
    result = {"mel": mel_distance(ref, out), "si_sdr": si_sdr(ref, out)}
    if speech:
        result |= {"stoi": stoi(ref, out), "pesq": pesq_wb(ref, out)}
    return result


DEV = 0.4     # the first files of every validation shard are for choices, the rest only for results


def held_out(data, kind, clips, part="test", seconds=6.0, seed=0):
    """`clips` clips of validation material, spread over its packages and files.

    `part` "dev" and "test" share no file: what is chosen on one is measured on the other.

    Short files (single words) are joined with their neighbours, which are the same
    speaker's, into a clip long enough to score.
    """
    rng = np.random.default_rng(seed)
    shards = sorted(Path(data).glob(f"valid-{kind}-*.npy"))
    found, n = [], int(seconds * RATE)
    per_shard = [clips // len(shards) + (i < clips % len(shards)) for i in range(len(shards))]
    for shard, count in zip(shards, per_shard):
        audio, table = np.load(shard, mmap_mode="r"), json.loads(shard.with_suffix(".json").read_text())
        cut = int(len(table) * DEV)
        table = table[:cut] if part == "dev" else table[cut:]
        end = table[-1][1] + table[-1][2]
        for i in range(count):
            _, at, length = table[(2 * i + 1) * len(table) // (2 * count)]
            if length > n:
                at += int(rng.integers(0, length - n))
            x = audio[at: min(at + n, end)].astype(np.float32) / 32768
            if len(x) > 2 * RATE and np.sqrt((x ** 2).mean()) > 1e-3:
                found.append((shard.stem.split("-", 2)[2], x))
    return found
