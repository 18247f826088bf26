#!/usr/bin/env python3
"""Makes the golden parity fixtures in this folder by running the published PyTorch implementation.

    python make_golden.py --v1 V1_DIR --v2 V2_DIR --out DIR [--only CASE,CASE]

V1_DIR and V2_DIR each hold the published `modeling_moss_audio_tokenizer.py` and
`configuration_moss_audio_tokenizer.py`: V1_DIR the ones of MOSS-Audio-Tokenizer, V2_DIR the ones
that ship with MOSS-Audio-Tokenizer-Nano (v2 and Nano share them). Needs torch, numpy, safetensors
and transformers; a few seconds on one core. See README.md for what each case covers.
"""

import argparse
import copy
import importlib
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

DEPTH = 2  # the partial depth whose decoded audio is kept


# ---------------------------------------------------------------- the published code


def load_reference(folder, name):
    """Imports the published modelling file of `folder` as a package, so that v1 and v2 can coexist."""
    package = types.ModuleType(name)
    package.__path__ = [str(Path(folder).resolve())]
    sys.modules[name] = package
    modeling = importlib.import_module(f"{name}.modeling_moss_audio_tokenizer")
    return modeling.MossAudioTokenizerConfig, modeling.MossAudioTokenizerModel


def build(reference, config):
    config_class, model_class = reference
    model = model_class(config_class(**copy.deepcopy(config)))
    return model.eval().float()


# ---------------------------------------------------------------- configurations


def patch(size):
    return {"module_type": "PatchedPretransform", "patch_size": size}


def stage(inp, out, d_model=64, heads=None, layers=1, ff=32, **more):
    keys = {
        "module_type": "Transformer",
        "input_dimension": inp,
        "output_dimension": out,
        "d_model": d_model,
        "num_heads": heads or d_model // 64,
        "num_layers": layers,
        "dim_feedforward": ff,
        "causal": True,
        "norm": "layer_norm",
        "positional_embedding": "rope",
        "max_period": 10000,
        "gating": "none",
        "layer_scale": 0.01,
        "conv_layout": True,
    }
    keys.update(more)
    return {k: v for k, v in keys.items() if v != "absent"}


def reversed_decoder(decoder):
    """The encoder-like spelling that published configs carry beside `decoder_kwargs`."""
    out = []
    for module in decoder[::-1]:
        module = dict(module)
        if module["module_type"] == "Transformer":
            module["input_dimension"], module["output_dimension"] = (
                module["output_dimension"],
                module["input_dimension"],
            )
        out.append(module)
    return out


def rlfq(layers, code_dim=48, rvq_dim=32, codebook_size=64, **more):
    return {
        "codebook_dim": 8,
        "codebook_size": codebook_size,
        "input_dim": code_dim,
        "num_quantizers": layers,
        "output_dim": code_dim,
        "quantizer_type": "rlfq",
        "rvq_dim": rvq_dim,
        **more,
    }


ARCHITECTURE = {
    "architectures": ["MossAudioTokenizerModel"],
    "auto_map": {
        "AutoConfig": "configuration_moss_audio_tokenizer.MossAudioTokenizerConfig",
        "AutoModel": "modeling_moss_audio_tokenizer.MossAudioTokenizerModel",
    },
}


def v1_config(encoder, decoder, quantizer, context):
    return {
        **ARCHITECTURE,
        "model_type": "speech_tokenizer",
        "version": "4.26.1.a",
        "dtype": "float32",
        "sample_rate": 24000,
        "sampling_rate": 24000,
        "downsample_rate": 1920,
        "causal_transformer_context_duration": context,
        "code_dim": quantizer["input_dim"],
        "encoder_kwargs": encoder,
        "decoder_kwargs": decoder,
        "reversed_decoder_kwargs": reversed_decoder(decoder),
        "quantizer_type": "rlfq",
        "quantizer_kwargs": quantizer,
    }


def v2_config(encoder, decoder, quantizer, rate=48000, frame=3840, channels=2, context=10.0):
    return {
        **ARCHITECTURE,
        "model_type": "moss-audio-tokenizer",
        "dtype": "float32",
        "sample_rate": rate,
        "sampling_rate": rate,
        "downsample_rate": frame,
        "causal_transformer_context_duration": context,
        "number_channels": channels,
        "enable_channel_interleave": True,
        "attention_implementation": "sdpa",
        "compute_dtype": "fp32",
        "code_dim": quantizer["input_dim"],
        "encoder_kwargs": encoder,
        "decoder_kwargs": decoder,
        "quantizer_type": "rlfq",
        "quantizer_kwargs": quantizer,
    }


def case_v1():
    # Context in frames: 28 (28.999.. truncated), 14, 7, 3.
    encoder = [
        patch(240), stage(240, 32),
        patch(2), stage(64, 32),
        patch(2), stage(64, 32),
        patch(2), stage(64, 48),
    ]
    decoder = [
        stage(48, 64), patch(2),
        stage(32, 64), patch(2),
        stage(32, 64), patch(2),
        stage(32, 240), patch(240),
    ]
    return v1_config(encoder, decoder, rlfq(6), 0.29)


def case_v2():
    # Contexts: encoder 20 16 12 8 5 4 (12.5 * 0.28 = 3.5 -> 4), decoder 2 (12.5 * 0.2 = 2.5 -> 2) 4 7 11 15 18.
    seconds_in = [0.049, 0.08, 0.12, 0.16, 0.2, 0.28]
    seconds_out = [0.2, 0.18, 0.14, 0.11, 0.075, 0.045]
    encoder = [
        patch(240), stage(240, 32, context_duration=seconds_in[0]),
        patch(2), stage(64, 32, context_duration=seconds_in[1]),
        patch(2), stage(64, 32, context_duration=seconds_in[2]),
        patch(2), stage(64, 32, context_duration=seconds_in[3]),
        patch(2), stage(64, 40, context_duration=seconds_in[4]),
        patch(2), stage(80, 48, context_duration=seconds_in[5]),
    ]
    decoder = [
        stage(48, 80, context_duration=seconds_out[0]), patch(2),
        stage(40, 64, context_duration=seconds_out[1]), patch(2),
        stage(32, 64, context_duration=seconds_out[2]), patch(2),
        stage(32, 64, context_duration=seconds_out[3]), patch(2),
        stage(32, 64, context_duration=seconds_out[4]), patch(2),
        stage(32, 240, context_duration=seconds_out[5]), patch(240),
    ]
    return v2_config(encoder, decoder, rlfq(6))


def case_nano():
    # Contexts: encoder 24 16 10 7, decoder 9 12 18 22.
    encoder = [
        patch(240), stage(240, 32, context_duration=0.06),
        patch(2), stage(64, 32, context_duration=0.08),
        patch(2), stage(64, 32, context_duration=0.1),
        patch(2), stage(64, 12, d_model=128, context_duration=0.14),
        patch(4),
    ]
    decoder = [
        patch(4), stage(12, 64, context_duration=0.18), patch(2),
        stage(32, 64, context_duration=0.12), patch(2),
        stage(32, 64, context_duration=0.09), patch(2),
        stage(32, 240, context_duration=0.055), patch(240),
    ]
    training = {"codebook_loss_weight": 1.0, "commitment_loss_weight": 0.25, "quantizer_dropout": 1.0}
    config = v2_config(encoder, decoder, rlfq(5, **training))
    config["reversed_decoder_kwargs"] = reversed_decoder(decoder)
    return config


def case_gated():
    # 24 kHz mono, 320 samples a frame. ff = 4 * d_model takes the 21/8 rule, 96 the 2/3 rule.
    # `layer_scale` is null, except in the first decoder stage; the last stage leaves it and
    # `context_duration` out. Contexts: encoder 30 9, decoder 10 21.
    gated = {"gating": "silu", "norm": "rms_norm", "positional_embedding": "sin_rope", "layer_scale": None}
    encoder = [
        patch(80), stage(80, 20, ff=256, context_duration=0.1, **gated),
        patch(4), stage(80, 32, ff=96, context_duration=0.12, **gated),
    ]
    decoder = [
        stage(32, 80, ff=96, context_duration=0.134, **{**gated, "positional_embedding": "sin", "layer_scale": 0.01}),
        patch(4),
        stage(20, 80, ff=96, **{**gated, "layer_scale": "absent"}), patch(80),
    ]
    return v2_config(encoder, decoder, rlfq(4, code_dim=32), rate=24000, frame=320, channels=1, context=0.07)


def case_sharded():
    # Context in frames: 26, 13, 6, 3.
    encoder = [
        patch(240), stage(240, 32),
        patch(2), stage(64, 32),
        patch(2), stage(64, 64, layers=2),
        patch(2), stage(128, 48, d_model=128),
    ]
    decoder = [
        stage(48, 80), patch(2),
        stage(40, 64), patch(2),
        stage(32, 64), patch(2),
        stage(32, 240), patch(240),
    ]
    return v1_config(encoder, decoder, rlfq(5), 0.26)


#        config        which  seed  samples
CASES = {
    "v1": (case_v1, "v1", 101, 8 * 1920 + 777),
    "v2": (case_v2, "v2", 202, 4 * 3840 + 1234),
    "nano": (case_nano, "v2", 309, 4 * 3840 + 2501),
    "gated": (case_gated, "v2", 404, 23 * 320 + 111),
    "v1_sharded": (case_sharded, "v1", 505, 6 * 1920 + 1),
}


# ---------------------------------------------------------------- weights and signal


def draw(shapes, seed):
    """Weights by name, large enough that every part shows in the output."""
    rng = np.random.default_rng(seed)
    normal = lambda shape: rng.standard_normal(shape)
    out = {}
    last = max((n for n in shapes if n.startswith("decoder.") and n.endswith(".output_proj.weight")),
               key=lambda n: int(n.split(".")[1]))
    for name in sorted(shapes):
        shape = tuple(shapes[name])
        if name.endswith(("parametrizations.weight.original0", "weight_g")):
            layer = int(name.split(".")[2]) if name.startswith("quantizer.quantizers.") else 0
            value = rng.uniform(0.5, 1.5, shape) * (0.8**layer if "out_proj" in name else 1.0)
        elif name.endswith(("parametrizations.weight.original1", "weight_v")):
            value = normal(shape)
        elif name.endswith("codebook.weight"):
            value = normal(shape) * np.exp(0.4 * normal((shape[0], 1)))
        elif name.startswith("quantizer.") and name.endswith("bias"):
            value = 0.1 * normal(shape)
        elif "layer_scale" in name:
            value = rng.uniform(0.3, 1.0, shape)
        elif name.endswith(".alpha") or ".norm" in name and name.endswith(".weight"):
            value = 1.0 + 0.25 * normal(shape)
        elif ".norm" in name and name.endswith(".bias"):
            value = 0.15 * normal(shape)
        else:
            gain = 1.0
            if name.startswith("encoder.1.input_proj"):
                gain = 4.0
            elif name == last:
                gain = 0.12
            elif ".self_attn.in_pro" in name:
                gain = np.repeat([1.5, 1.5, 1.0], shape[0] // 3)[:, None]  # q, k, v
            elif ".linear1" in name or ".ffn.0" in name or ".linear_in" in name:
                gain = 1.4
            value = gain * normal(shape) / np.sqrt(shape[-1])
        out[name] = torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
    return out


def signal(channels, samples, rate, seed):
    """Tones that glide, a pulse train, noise bursts; the channels differ."""
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / rate
    out = np.zeros((channels, samples))
    for c in range(channels):
        x = np.zeros(samples)
        for _ in range(4):
            start, end = np.exp(rng.uniform(np.log(90), np.log(6000), 2))
            phase = 2 * np.pi * (start * t + (end - start) * t * t / (2 * t[-1]))
            swell = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(1, 7) * t + rng.uniform(0, 6))
            x += rng.uniform(0.05, 0.25) * swell * np.sin(phase + rng.uniform(0, 6))
        x += 0.15 * (np.sin(2 * np.pi * rng.uniform(100, 220) * t) > 0.97)
        gate = np.repeat(rng.uniform(0, 1, samples // 600 + 1) ** 3, 600)[:samples]
        x += 0.2 * gate * rng.standard_normal(samples)
        out[c] = x
    return np.clip(out, -1, 1).astype(np.float32)


# ---------------------------------------------------------------- running


def margins(model, run):
    """Runs `run` and gives (its result, the gap between best and second-best distance a code).

    The distance is the reference's: squared euclidean between L2-normalised vectors."""
    seen = []

    def hook(module, _, output):
        latents = torch.nn.functional.normalize(output[2].transpose(1, 2)[0])
        rows = torch.nn.functional.normalize(module.codebook.weight)
        distance = (latents**2).sum(1, keepdim=True) - 2 * latents @ rows.t() + (rows**2).sum(1)[None]
        near = distance.topk(2, largest=False)
        seen.append((near.indices[:, 0], near.values[:, 1] - near.values[:, 0]))

    handles = [q.register_forward_hook(hook) for q in model.quantizer.quantizers]
    result = run()
    for handle in handles:
        handle.remove()
    return result, torch.stack([s[0] for s in seen]), torch.stack([s[1] for s in seen])


def attentions(model):
    return [m for m in model.modules() if type(m).__name__.endswith("MultiheadAttention")]


@torch.no_grad()
def run_case(model, config, audio):
    frame = config["downsample_rate"]
    padded = torch.nn.functional.pad(audio, (0, -audio.shape[-1] % frame))
    encode = lambda x: model.encode(x[None], return_dict=True)
    decode = lambda c: model.decode(c[:, None], return_dict=True).audio[0]

    encoded, indices, margin = margins(model, lambda: encode(padded))
    codes = encoded.audio_codes[:, 0]
    assert torch.equal(codes, indices), "margins were not taken from the reference's own choice"
    golden = {
        "audio": audio,
        "codes": codes,
        "margin": margin,
        "latent": encoded.encoder_hidden_states[0],
        "decoded": decode(codes),
        "decoded_depth2": decode(codes[:DEPTH]),
    }
    checks(model, config, padded, golden, encode, decode)
    return {k: v.contiguous().clone() for k, v in golden.items()}


def checks(model, config, padded, golden, encode, decode):
    """Prints what the fixtures can and cannot tell apart; stops when a part would not show."""
    codes, latent, decoded = golden["codes"], golden["latent"], golden["decoded"]
    peak = lambda x: x.abs().max().item()
    agree = lambda c: (c == codes).float().mean().item()
    print(f"  audio {tuple(golden['audio'].shape)} peak {peak(golden['audio']):.3f}, codes {tuple(codes.shape)}, "
          f"decoded peak {peak(decoded):.3f} rms {decoded.std():.3f}, depth {DEPTH} differs by "
          f"{peak(decoded - golden['decoded_depth2']):.3f}")
    print(f"  different codes a layer {[len(set(row.tolist())) for row in codes]} of {codes.shape[1]}")
    margin = golden["margin"]
    print(f"  margin: min {margin.min():.2e}, below 1e-4: {(margin < 1e-4).sum()}, "
          f"below 1e-3: {(margin < 1e-3).sum()}, median {margin.median():.3f}")
    print(f"  contexts {[a.context for a in attentions(model)]}")

    # Whole frames of an unpadded run are the same; the reference only counts floor(T / frame) of them.
    whole = golden["audio"].shape[-1] // config["downsample_rate"]
    plain = encode(golden["audio"])
    same = torch.equal(plain.audio_codes[:, 0, :whole], codes[:, :whole])
    lengths = plain.audio_codes_lengths.tolist()
    print(f"  unpadded run: whole frames equal {same}, valid {lengths} of {codes.shape[1]}, padded frame's "
          f"agreement {(plain.audio_codes[:, 0, whole:] == codes[:, whole:]).float().mean():.2f}")
    assert same

    attention = attentions(model)

    def altered(label, change, undo):
        for a in attention:
            change(a)
        far, sound = encode(padded), decode(codes)
        for a in attention:
            undo(a)
        latent_off = peak(far.encoder_hidden_states[0] - latent) / peak(latent)
        sound_off = peak(sound - decoded) / peak(decoded)
        print(f"  {label}: latent off by {latent_off:.2e} of peak, codes agree {agree(far.audio_codes[:, 0]):.2f}, "
              f"decoded off by {sound_off:.2e} of peak")
        return min(latent_off, sound_off)

    for a in attention:
        a.kept = (a.context, a.rope)
    restore = lambda a: (setattr(a, "context", a.kept[0]), setattr(a, "rope", a.kept[1]))
    one_more = altered("context + 1", lambda a: setattr(a, "context", a.context + 1), restore)
    unlimited = altered("no window", lambda a: setattr(a, "context", 10**6), restore)
    unrotated = altered("no RoPE", lambda a: setattr(a, "rope", None), restore)
    assert one_more > 5e-3 and unlimited > 5e-3 and unrotated > 5e-3

    # Each stage alone: its own window must show.
    stages = [(f"{side}.{i}", m) for side in ("encoder", "decoder") for i, m in enumerate(getattr(model, side))
              if hasattr(m, "transformer")]
    effect = []
    for name, module in stages:
        for layer in module.transformer.layers:
            layer.self_attn.context += 1
        if name.startswith("encoder"):
            off = peak(encode(padded).encoder_hidden_states[0] - latent) / peak(latent)
        else:
            off = peak(decode(codes) - decoded) / peak(decoded)
        for layer in module.transformer.layers:
            layer.self_attn.context -= 1
        effect.append((name, off))
    print("  context + 1 in one stage: " + ", ".join(f"{n} {o:.1e}" for n, o in effect))
    assert min(o for _, o in effect) > 1e-3

    # The reference's own rounding, against its stacks in f64 (RoPE angles stay f32 there).
    double = copy.deepcopy(model).double()
    x = padded[None].double()
    if x.shape[1] > 1:
        x = x.transpose(1, 2).reshape(1, 1, -1)
    lengths = torch.tensor([x.shape[-1]])
    for module in double.encoder:
        x, lengths = module(x, lengths)
    y = model.quantizer.decode_codes(codes[:, None]).double()
    lengths = torch.tensor([codes.shape[1]])
    for module in double.decoder:
        y, lengths = module(y, lengths)
    flat = decoded.t().reshape(-1).double()
    print(f"  f32 against f64: latent {peak(x[0] - latent) / peak(latent):.1e} of peak, "
          f"decoded {peak(y.reshape(-1) - flat) / peak(decoded):.1e} of peak")

    # The reference's streaming, a frame at a time.
    seconds = config["downsample_rate"] / config["sampling_rate"]
    try:
        live = model.encode(padded[None], return_dict=True, chunk_duration=seconds).audio_codes[:, 0]
        out = model.decode(codes[:, None], return_dict=True, chunk_duration=seconds).audio[0]
        print(f"  reference streaming: codes agree {agree(live):.3f}, decoded off by "
              f"{peak(out - decoded) / peak(decoded):.1e} of peak")
    except (RuntimeError, ValueError) as error:
        print(f"  reference streaming: {error}")


# ---------------------------------------------------------------- saving


def rounded(weights, dtype_of):
    return {name: w.to(dtype_of(name)) for name, w in weights.items()}


def load(model, stored):
    """Puts stored tensors (any dtype) into the model in f32, under its own names, strictly."""
    model.load_state_dict({k: v.float() for k, v in stored.items()}, strict=True)


def save(folder, stored):
    save_file({k: v.contiguous() for k, v in stored.items()}, folder / "model.safetensors", {"format": "pt"})


def save_sharded(folder, stored, shards=3):
    names = sorted(stored)
    total, weight_map = sum(t.numel() * t.element_size() for t in stored.values()), {}
    # Interleaved, so that the tensors of one layer lie in several files.
    for i in range(shards):
        file = f"model-{i + 1:05}-of-{shards:05}.safetensors"
        part = {n: stored[n].contiguous() for n in names[i::shards]}
        save_file(part, folder / file, {"format": "pt"})
        weight_map.update({n: file for n in part})
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def mixed_dtype(name):
    if ".norm" in name or name.endswith("bias") or "layer_scale" in name:
        return torch.float32
    if name.startswith("encoder") or "codebook" in name:
        return torch.bfloat16
    return torch.float16


G, V = ".parametrizations.weight.original0", ".parametrizations.weight.original1"


def respell(model, stored):
    """Gives the quantizer's projections their other spellings: every third pair as weight_g/weight_v,
    every third merged to one `weight` (rounded to its dtype), the rest as they are. The model gets the
    same values."""
    stored = dict(stored)
    for i, name in enumerate(sorted(n[: -len(G)] for n in stored if n.endswith(G))):
        if i % 3 == 1:
            stored[name + ".weight_g"], stored[name + ".weight_v"] = stored.pop(name + G), stored.pop(name + V)
        elif i % 3 == 2:
            conv = model.get_submodule(name)
            dtype = stored[name + V].dtype
            torch.nn.utils.parametrize.remove_parametrizations(conv, "weight")
            merged = conv.weight.detach().to(dtype)
            conv.weight.data.copy_(merged.float())
            del stored[name + G], stored[name + V]
            stored[name + ".weight"] = merged
    return stored


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--v1", required=True, help="folder of the published v1 modelling code")
    parser.add_argument("--v2", required=True, help="folder of the published v2/Nano modelling code")
    parser.add_argument("--out", required=True)
    parser.add_argument("--only", default=",".join(CASES))
    args = parser.parse_args()

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    references = {"v1": load_reference(args.v1, "published_v1"), "v2": load_reference(args.v2, "published_v2")}

    for case in args.only.split(","):
        make_config, which, seed, samples = CASES[case]
        config = make_config()
        folder = Path(args.out) / case
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        print(case)

        model = build(references[which], config)
        weights = draw({k: v.shape for k, v in model.state_dict().items()}, seed)
        dtype_of = {"v2": lambda _: torch.bfloat16, "nano": lambda _: torch.float16, "v1_sharded": mixed_dtype}
        stored = rounded(weights, dtype_of.get(case, lambda _: torch.float32))
        load(model, stored)
        if case == "v1_sharded":
            stored = respell(model, stored)
            save_sharded(folder, stored)
        else:
            save(folder, stored)
            load(model, load_file(folder / "model.safetensors"))

        audio = signal(config.get("number_channels", 1), samples, config["sampling_rate"], seed + 1)
        golden = run_case(model, config, torch.from_numpy(audio))
        save_file(golden, folder / "golden.safetensors", {"case": case})
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        for file in folder.iterdir():
            file.chmod(0o644)
        size = sum(f.stat().st_size for f in folder.iterdir())
        count = sum(v.numel() for v in stored.values())
        print(f"  {count} parameters, {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
