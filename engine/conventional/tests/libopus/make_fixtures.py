"""Writes what libopus makes of two clips, for ../libopus.rs: packets (Ogg), and every 61st decoded sample (f32).

Needs an ffmpeg with libopus (the fixtures here are of 1.3.1). Run in this folder: python make_fixtures.py
The clips' samples are taken as if they were at 48 kHz, so that no converter stands between the two encoders.
"""

import subprocess
from array import array
from pathlib import Path

CLIPS = Path(__file__).resolve().parents[4] / "assets/clips"
FIRST, SAMPLES, STRIDE = 48_000, 96_000, 61


def ffmpeg(*arguments, data=b""):
    command = ["ffmpeg", "-v", "error", "-y", *map(str, arguments)]
    return subprocess.run(command, input=data, check=True, stdout=subprocess.PIPE).stdout


for clip, channels, application in [("speech", 1, "voip"), ("music", 2, "audio")]:
    pcm = array("f", ffmpeg("-i", CLIPS / f"{clip}.flac", "-f", "f32le", "-c:a", "pcm_f32le", "-"))
    part = pcm[FIRST * channels : (FIRST + SAMPLES) * channels]
    raw = ["-f", "f32le", "-ar", 48_000, "-ac", channels]
    for kbps in [6, 12, 24, 64]:
        name = f"{clip}-{kbps}"
        options = ["-b:a", f"{kbps}k", "-vbr", "constrained", "-application", application]
        options += ["-compression_level", 10, "-frame_duration", 20]
        ffmpeg(*raw, "-i", "-", "-c:a", "libopus", *options, f"{name}.opus", data=part.tobytes())
        decoder = ["-c:a", "libopus", "-i", f"{name}.opus", "-c:a", "pcm_f32le"]
        decoded = array("f", ffmpeg(*decoder, *raw, "-"))[: SAMPLES * channels]
        kept = array("f")
        for n in range(0, SAMPLES, STRIDE):
            kept.extend(decoded[n * channels : (n + 1) * channels])
        Path(f"{name}.f32").write_bytes(kept.tobytes())
