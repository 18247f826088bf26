"""Decode the files of files.tsv to 24 kHz mono and pack them into memory-mapped shards.

A package becomes one int16 `.npy` per (package, class, split) and a table of file
offsets: training samples random windows from it without opening thousands of files.
Whole files go to one split only; sources.tsv says which.
"""

import argparse
import csv
import json
import math
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
import soundfile as sf
from scipy.signal import resample_poly

RATE = 24000
MAX_SECONDS = 150.0      # of one file: long pieces would drown the rest
GAP = np.zeros(RATE // 10, np.int16)


def decode(path, min_bandwidth):
    """int16 mono at 24 kHz, or None for what is too short, silent or band-limited.

    Loudness stays as it is: training augments the level.
    """
    try:
        with sf.SoundFile(path) as f:
            x = f.read(int(MAX_SECONDS * f.samplerate), dtype="float32", always_2d=True).mean(1)
            g = math.gcd(f.samplerate, RATE)
            x = resample_poly(x, RATE // g, f.samplerate // g) if f.samplerate != RATE else x
    except sf.LibsndfileError:
        return None
    if len(x) < RATE // 5 or np.abs(x).max() < 0.003 or bandwidth(x) < min_bandwidth:
        return None
    return (np.clip(x, -1, 1) * 32767).astype(np.int16)


def bandwidth(x):
    """Highest frequency within 65 dB of the strongest: declared rates lie."""
    n = 1024
    frames = x[: len(x) // n * n].reshape(-1, n) * np.hanning(n).astype(np.float32)
    power = (np.abs(np.fft.rfft(frames)) ** 2).mean(0)
    return float(np.where(power > power.max() * 10 ** -6.5)[0].max() * RATE / n)


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--files", default="files.tsv")
    ap.add_argument("--root", required=True, help="where the packages were unpacked, one folder each")
    ap.add_argument("--out", required=True)
    ap.add_argument("--min-bandwidth", type=float, default=7000.0)
    ap.add_argument("--jobs", type=int, default=2)
    args = ap.parse_args()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)

    groups = defaultdict(list)
    with open(args.files, newline="") as f:
        for row in csv.DictReader(f, delimiter="\t"):
            groups[row["package"], row["class"], row["split"]].append(Path(args.root) / row["package"] / row["path"])

    with ProcessPoolExecutor(args.jobs) as pool:
        for (package, kind, split), paths in groups.items():
            name = f"{split}-{kind}-{package}"
            if (out / f"{name}.npy").exists():
                continue
            parts, table, at = [], [], 0
            decoded = pool.map(decode, map(str, paths), repeat(args.min_bandwidth), chunksize=8)
            for path, x in zip(paths, decoded):
                if x is not None:
                    table.append((str(path.relative_to(Path(args.root) / package)), at, len(x)))
                    parts += [x, GAP]
                    at += len(x) + len(GAP)
            if parts:
                (out / f"{name}.json").write_text(json.dumps(table))
                np.save(out / f"{name}.npy", np.concatenate(parts))
                print(f"{name}: {len(table)} files, {at / RATE / 60:.1f} min", flush=True)


if __name__ == "__main__":
    main()
