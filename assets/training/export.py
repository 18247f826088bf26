"""Write config.json + model.safetensors: bf16 stacks, f32 quantizer.

The quantizer stays f32 because it decides which code is picked; it is 2 MB. Both files
are written beside the old ones and then renamed.
"""

import argparse
import json
import os
from pathlib import Path

import torch
from safetensors.torch import save_file


def tensors(model):
    return {name: (t.float() if name.startswith("quantizer.") else t.to(torch.bfloat16)).contiguous()
            for name, t in model.state_dict().items()}


def export(model, folder):
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors(model), str(folder / "model.safetensors.new"), metadata={"format": "pt"})
    (folder / "config.json.new").write_text(json.dumps(model.config, indent=2) + "\n")
    for name in ("config.json", "model.safetensors"):
        os.chmod(folder / f"{name}.new", 0o644)
        os.replace(folder / f"{name}.new", folder / name)


def main():
    from model import Codec
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("checkpoint", help="written by train.py")
    ap.add_argument("out")
    ap.add_argument("--gain-db", type=float, default=0.0, help="raises the decoder's output")
    args = ap.parse_args()
    state = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    model = Codec(json.loads(state["config"]))
    model.load_state_dict(state["average"])
    with torch.no_grad():
        model.decoder[0].output_proj.weight.mul_(10 ** (args.gain_db / 20))
    export(model, Path(args.out))


if __name__ == "__main__":
    main()
