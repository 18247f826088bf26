"""Make a computed stage ready to learn, all but without changing what it computes.

More layers; norms and layer scales fitted to what flows there; attention that begins by
looking a fixed number of frames back; in the decoder a level that survives the norms.
Every branch that is added ends in zeros; the level changes the output by about one
percent. Only for a stage that has not been trained: what its attention is and what
is not diagonal in its feed-forward branches would be lost.
"""

import copy
import math

import torch

from init import EPS, condition, silence
from model import Codec

WINDOW = 0.08           # seconds that attention sees: twice the frames it begins by looking back
CONSTANT, LEVEL = -3, -2      # spare channels of a stream; the decoder's last one counts layers


@torch.no_grad()
def grow(start, side, layers, audio, generator):
    """The model with `layers` of `side`, "encoder" or "decoder"."""
    config = copy.deepcopy(start.config)
    at, stage = next((i, c) for i, c in enumerate(config[f"{side}_kwargs"]) if c["module_type"] == "Transformer")
    have, stage["num_layers"] = stage["num_layers"], layers
    stage["context_duration"] = WINDOW
    model = Codec(config)
    model.load_state_dict(start.state_dict(), strict=False)
    stack = getattr(model, side)[at].transformer.layers
    for layer in stack[have:]:
        silence(layer)
    if side == "decoder":
        tell_level(model)
    condition(model, stack, audio)
    for k, layer in enumerate(stack):
        heads = layer.self_attn.heads
        # The decoder's first layer has all of the last frame, for the wave to go on across the edge.
        first = side == "decoder" and k == 0
        look_back(layer, [1 if first else 1 + (k + h) % heads for h in range(heads)], generator)
    return model.eval()


def tell_level(model):
    """A constant in an unused latent dimension: behind a norm it says how much the norm
    divided by, which is all that is left of the level there."""
    latent = model.quantizer.output_proj
    spare = latent.bias.shape[0] - 1
    latent.bias[spare] = 1.0
    model.decoder[0].input_proj.weight[LEVEL] = 0
    model.decoder[0].input_proj.weight[LEVEL, spare] = EPS ** 0.5
    model.decoder[0].output_proj.weight[:, LEVEL] = 0


def look_back(layer, lags, generator):
    """Each head attends to the frame `lag` before: rotary positions make a constant query
    and a constant key, turned by `lag`, fit best there. The values are the head's share
    of the channels, so a first layer with all heads at 1 has the whole last frame."""
    attention, norm = layer.self_attn, layer.norm1
    width = norm.weight.shape[0]
    head = width // len(lags)
    norm.weight[CONSTANT], norm.bias[CONSTANT] = 0.0, 1.0
    weight = attention.in_proj.weight.view(3, len(lags), head, width)
    weight[:2] = 0.02 * torch.randn(weight[:2].shape, generator=generator)
    weight[2] = torch.eye(width).view(len(lags), head, width)
    fast = 12           # pairs that turn quickly, which is what tells neighbours apart
    for h, lag in enumerate(lags):
        angle = lag * torch.exp(torch.arange(fast) * (-2 * math.log(10000) / head))
        weight[0, h, 0: 2 * fast: 2, CONSTANT] = 5.5
        weight[1, h, 0: 2 * fast: 2, CONSTANT] = 5.5 * angle.cos()
        weight[1, h, 1: 2 * fast: 2, CONSTANT] = 5.5 * angle.sin()
