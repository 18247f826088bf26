"""Measure an exported model on held-out clips, with Opus as an anchor, and plot it.

The exported files are measured (bf16 and all), through the reference quantizer's plain
greedy choice. Opus runs through ffmpeg/libopus (mono, constrained VBR as configured
there) in the same run; its delay is compensated by the decoder.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile as sf
import torch

from metrics import held_out, measure
from model import load

DEPTHS = (1, 2, 4, 6, 8, 12, 16, 24, 32)     # 6, 12, 16 and 24 have the rates of Opus
OPUS = (6, 12, 16, 24)


def opus(x, kbps):
    with tempfile.TemporaryDirectory() as folder:
        wav, coded, back = (str(Path(folder) / n) for n in ("a.wav", "b.opus", "c.wav"))
        sf.write(wav, x, 24000, subtype="FLOAT")
        ff = ["ffmpeg", "-v", "error", "-y"]
        subprocess.run([*ff, "-i", wav, "-c:a", "libopus", "-b:a", f"{kbps}k", coded], check=True)
        size = Path(coded).stat().st_size * 8 / (len(x) / 24000) / 1000
        subprocess.run([*ff, "-i", coded, "-ar", "24000", "-ac", "1", "-c:a", "pcm_f32le", back], check=True)
        y = sf.read(back, dtype="float32")[0]
    return np.pad(y, (0, max(0, len(x) - len(y))))[: len(x)], size


@torch.no_grad()
def roundtrips(model, x, depths):
    codes = model.encode(torch.from_numpy(x)[None, None])
    return {d: model.decode(codes[:d])[0, 0, : len(x)].numpy() for d in depths}


def db(x):
    return 20 * np.log10(max(float(x), 1e-9))


def rms(x):
    return np.sqrt(np.mean(np.square(x, dtype=np.float64)))


def conduct(model, speech):
    """Behaviour a listener would trip over: silence, level, edges, DC, a loud sine."""
    rows = []
    silent = roundtrips(model, np.zeros(48000, np.float32), (1, 32))
    rows.append(("silence in, level out, depth 1 / 32 (dBFS)", f"{db(rms(silent[1])):.0f} / {db(rms(silent[32])):.0f}"))
    tone = (10 ** (-0.1 / 20) * np.sin(2 * np.pi * 997 * np.arange(48000) / 24000)).astype(np.float32)
    out = roundtrips(model, tone, (32,))[32]
    rows.append(("997 Hz sine at -0.1 dBFS: level change (dB), peak", f"{db(rms(out)) - db(rms(tone)):+.2f}, {np.abs(out).max():.2f}"))
    for peak in (-3, -20, -40):
        change = []
        for _, x in speech:
            x = x * 10 ** (peak / 20) / np.abs(x).max()
            change.append(db(rms(roundtrips(model, x, (32,))[32])) - db(rms(x)))
        rows.append((f"speech peaking at {peak} dBFS: level change at depth 32 (dB), mean, worst",
                     f"{np.mean(change):+.2f}, {max(change, key=abs):+.2f}"))
    depths, change = (1, 4, 8, 16), []
    for _, x in speech:
        change.append([db(rms(y)) - db(rms(x)) for y in roundtrips(model, x, depths).values()])
    rows.append(("speech as it is: level change at depth 1 / 4 / 8 / 16 (dB), mean",
                 " / ".join(f"{c:+.1f}" for c in np.mean(change, 0))))
    edge, inside, dc = [], [], []
    for _, x in speech:
        y = roundtrips(model, x, (32,))[32]
        jump = np.abs(np.diff(y))[: len(y) // model.frame * model.frame - 1]
        at = np.arange(len(jump)) % model.frame == model.frame - 1
        edge.append(rms(jump[at]))
        inside.append(rms(jump[~at]))
        dc.append(abs(y.mean() - x.mean()))
    rows.append((f"sample-to-sample step at frame edges, every {model.frame / 24:.1f} ms, over elsewhere, depth 32 (dB)",
                 f"{np.mean([db(e / i) for e, i in zip(edge, inside)]):+.2f}"))
    rows.append(("DC added, worst clip (dBFS)", f"{db(max(dc)):.0f}"))
    return rows


def spectrograms(model, clips, path, depths=(1, 4, 8, 16, 32)):
    """Original and depths, one clip a row: to be looked at."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(len(clips), len(depths) + 1, figsize=(3.4 * (len(depths) + 1), 2.6 * len(clips)),
                                squeeze=False, sharey=True, constrained_layout=True)
    for row, (name, x) in zip(axes, clips):
        x = x[: 2 * 24000]
        for axis, (title, y) in zip(row, [(name, x), *((f"depth {d}", y) for d, y in roundtrips(model, x, depths).items())]):
            axis.specgram(y + 1e-7 * np.random.default_rng(0).standard_normal(len(y)), NFFT=512, Fs=24, noverlap=384,
                          vmin=-130, vmax=-40, cmap="magma")
            axis.set_title(title, fontsize=8)
    figure.savefig(path, dpi=80)


def plot(table, path):
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), constrained_layout=True)
    for axis, (kind, key, label) in zip(axes, (("speech", "pesq", "PESQ-WB, speech"), ("speech", "stoi", "STOI, speech"),
                                              (None, "mel", "mel distance (lower is better)"))):
        for k in ("speech", "music", "effects") if kind is None else (kind,):
            ours = [(table[k, f"depth {d}"]["kbps"], table[k, f"depth {d}"][key]) for d in DEPTHS]
            theirs = [(table[k, f"opus {b}"]["kbps"], table[k, f"opus {b}"][key]) for b in OPUS]
            line, = axis.plot(*zip(*ours), "o-", label=f"Residue {k}")
            axis.plot(*zip(*theirs), "s--", color=line.get_color(), alpha=0.6, label=f"Opus {k}")
        axis.set(xscale="log", xlabel="kbit/s", title=label)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=7)
    figure.savefig(path, dpi=110)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--model", required=True)
    ap.add_argument("--data", required=True)
    ap.add_argument("--out", required=True, help="folder for results.md, quality.png, spectrograms.png")
    ap.add_argument("--clips", type=int, default=20)
    ap.add_argument("--part", choices=("test", "dev"), default="test", help="dev while choosing, test for results")
    ap.add_argument("--no-opus", action="store_true")
    ap.add_argument("--depths", type=int, nargs="*", default=list(DEPTHS))
    args = ap.parse_args()
    torch.set_num_threads(2)
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    model = load(args.model)
    table, text = {}, []
    for kind in ("speech", "music", "effects"):
        clips = [(n, x[: len(x) // model.frame * model.frame]) for n, x in held_out(args.data, kind, args.clips, args.part)]
        scores = {}
        for _, x in clips:
            for d, y in roundtrips(model, x, args.depths).items():
                scores.setdefault(f"depth {d}", []).append(measure(x, y, kind == "speech") | {"kbps": d * 240 / model.frame})
            for b in () if args.no_opus else OPUS:
                y, size = opus(x, b)
                scores.setdefault(f"opus {b}", []).append(measure(x, y, kind == "speech") | {"kbps": size})
        keys = ["kbps", *(k for k in ("pesq", "stoi") if kind == "speech"), "si_sdr", "mel"]
        text += [f"**{kind}**, {len(clips)} clips", "", "| | " + " | ".join(keys) + " |", "|---" * (len(keys) + 1) + "|"]
        for name, rows in scores.items():
            mean = table[kind, name] = {k: float(np.nanmean([r[k] for r in rows])) for k in keys}
            text.append(f"| {name} | " + " | ".join(f"{mean[k]:.3f}" if k in ("stoi", "mel") else f"{mean[k]:.2f}" for k in keys) + " |")
        text.append("")
        print("\n".join(text[-len(scores) - 5:]), flush=True)
    speech = [(n, x[: len(x) // model.frame * model.frame]) for n, x in held_out(args.data, "speech", 8, args.part, seed=1)]
    text += ["| behaviour | |", "|---|---|", *(f"| {a} | {b} |" for a, b in conduct(model, speech)), ""]
    print("\n".join(text[-13:]))
    (out / "results.md").write_text("\n".join(text))
    shown = [held_out(args.data, kind, args.clips, args.part)[i] for kind, i in (("speech", 0), ("speech", -1), ("music", 0))]
    spectrograms(model, shown, out / "spectrograms.png")
    if not args.no_opus and tuple(args.depths) == DEPTHS:
        plot(table, out / "quality.png")


if __name__ == "__main__":
    main()
