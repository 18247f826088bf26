#!/usr/bin/env python3
"""Streams a layout through the published PyTorch code and through `residue bench`, taking turns.

    python scripts/against_pytorch.py --code DIR --config nano.config.json [--residue BIN] \\
        [--layout nano] [--precision f32] [--threads 2] [--seconds 4] [--rounds 3]

DIR holds the published `modeling_moss_audio_tokenizer.py` and its configuration file. The code of
v1 knows neither channels nor a window a stage: given the configuration of a later model it runs its
interleaved samples as one channel, and the windows are set afterwards, which costs the same. Weights
are random on both sides, chunks are 80 ms, windows are full before anything is measured.

Prints each round's real-time factors and the median of the rounds' ratios. Needs torch and
transformers.
"""

import argparse
import importlib
import inspect
import json
import statistics
import subprocess
import sys
import time
import types
from contextlib import ExitStack
from pathlib import Path

import torch

CHUNK_SECONDS = 0.08


def load_code(folder):
    package = types.ModuleType("published")
    package.__path__ = [str(Path(folder).resolve())]
    sys.modules["published"] = package
    modeling = importlib.import_module("published.modeling_moss_audio_tokenizer")
    return modeling.MossAudioTokenizerConfig, modeling.MossAudioTokenizerModel


def as_one_channel(config):
    """The configuration for code without channels, and the seconds of each stage's window."""
    channels = config.get("number_channels", 1)
    config = dict(config)
    config["sampling_rate"] = config.get("sampling_rate", config.get("sample_rate")) * channels
    config["downsample_rate"] *= channels
    windows = {}
    for side in ("encoder", "decoder"):
        modules = []
        for index, module in enumerate(config[f"{side}_kwargs"]):
            module = dict(module)
            seconds = module.pop("context_duration", None)
            if seconds is not None:
                windows[side, index] = seconds
            modules.append(module)
        config[f"{side}_kwargs"] = modules
    return config, windows


def set_windows(model, windows):
    """Sets the window of each stage in steps, at the stage's rate."""
    for side in ("encoder", "decoder"):
        rate = float(model.sampling_rate if side == "encoder" else model.sampling_rate / model.downsample_rate)
        for index, module in enumerate(getattr(model, side)):
            if (side, index) in windows:
                for part in module.modules():
                    if getattr(part, "context", None) is not None:
                        part.context = int(rate * windows[side, index])
            rate = rate / module.downsample_ratio if side == "encoder" else rate * module.downsample_ratio


class Stream:
    """A stream of noise through the published code, chunk after chunk."""

    def __init__(self, code, config):
        config_class, model_class = load_code(code)
        windows = {}
        if "number_channels" not in inspect.signature(config_class.__init__).parameters:
            config, windows = as_one_channel(config)
        self.model = model_class(config_class(**config)).eval().float()
        set_windows(self.model, windows)
        channels = getattr(self.model, "number_channels", 1)
        samples = round(CHUNK_SECONDS * self.model.sampling_rate)
        self.shape = (1, channels, samples)
        stack = ExitStack()
        for module in [*self.model.encoder, *self.model.decoder]:
            if hasattr(module, "streaming"):
                stack.enter_context(module.streaming(batch_size=1))
        self.stack = stack

    def run(self, seconds):
        """Wall seconds a second of audio, of encoding, quantizing and decoding."""
        chunks = max(1, round(seconds / CHUNK_SECONDS))
        audio = [torch.randn(self.shape) * 0.1 for _ in range(chunks)]
        lengths = torch.tensor([self.shape[-1]])
        start = time.perf_counter()
        with torch.inference_mode():
            for chunk in audio:
                found = self.model._encode_frame(chunk, lengths, None)
                self.model._decode_frame(found.audio_codes, found.audio_codes_lengths)
        return (time.perf_counter() - start) / (chunks * CHUNK_SECONDS)


def residue(args):
    command = [args.residue, "bench", "--layout", args.layout, "--random-weights", "--json"]
    command += ["--precision", args.precision, "--threads", str(args.threads)]
    command += ["--seconds", str(args.seconds)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--code", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--residue", default="target/release/residue")
    parser.add_argument("--layout", choices=["nano", "v1", "v2"], default="nano")
    parser.add_argument("--precision", default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()

    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    stream = Stream(args.code, json.loads(Path(args.config).read_text()))
    parameters = sum(p.numel() for p in stream.model.parameters())
    print(f"{args.layout}: {parameters / 1e6:.1f} M parameters, {args.threads} threads, torch {torch.__version__}")
    stream.run(10.0)
    ratios = []
    for _ in range(args.rounds):
        theirs = stream.run(args.seconds)
        ours = residue(args)
        ratios.append(theirs / ours["rtf"])
        print(f"PyTorch f32 RTF {theirs:.3f}, residue {args.precision} RTF {ours['rtf']:.4f}: {ratios[-1]:.1f} x")
    print(f"median: {statistics.median(ratios):.1f} x")


if __name__ == "__main__":
    main()
