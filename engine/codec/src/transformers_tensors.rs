//! A checkpoint in the form of Hugging Face's transformers, read under the published names.
//!
//! That form differs in three ways: modules lie below `encoder.layers` and `decoder.layers`; layers have the names of
//! the library's own models; and queries, keys and values are tensors of their own (one, `in_proj`, in earlier
//! versions), in which the rows of each head of queries and keys are ordered for another rotary embedding: first
//! the even ones, then the odd ones, because a row is rotated with the one half a head further instead of its
//! neighbor.

use super::checkpoint::Checkpoint;
use super::config::{CheckpointFormat, CodecConfig, ModuleConfig};
use super::error::CheckpointError;
use super::tensor_names;
use super::tensor_source::TensorSource;

/// Published names of a layer's tensors, in v1's spelling, with those of transformers: the present one, then that
/// of earlier versions.
const LAYER_NAMES: [(&str, [&str; 2]); 9] = [
    (tensor_names::ATTENTION_OUT[0], ["self_attn.o_proj.weight", "self_attn.out_proj.weight"]),
    ("norm1.weight", ["self_attn_layer_norm.weight", "norm1.weight"]),
    ("norm1.bias", ["self_attn_layer_norm.bias", "norm1.bias"]),
    ("norm2.weight", ["final_layer_norm.weight", "norm2.weight"]),
    ("norm2.bias", ["final_layer_norm.bias", "norm2.bias"]),
    (tensor_names::FEED_FORWARD[0][0], ["fc1.weight", "linear1.weight"]),
    (tensor_names::FEED_FORWARD[1][0], ["fc2.weight", "linear2.weight"]),
    ("layer_scale_1.scale", ["layer_scale_1.lambda1", "layer_scale_1.scale"]),
    ("layer_scale_2.scale", ["layer_scale_2.lambda1", "layer_scale_2.scale"]),
];
/// Queries, keys and values of a layer.
const SPLIT_QKV: [&str; 3] =
    ["self_attn.q_proj.weight", "self_attn.k_proj.weight", "self_attn.v_proj.weight"];
const FUSED_QKV: &str = "self_attn.in_proj.weight";

impl CheckpointFormat {
    /// Returns the form that the names of a checkpoint's tensors are of, with one such name; `None` if they are
    /// of neither.
    fn of_tensor(name: &str) -> Option<Self> {
        let rest = name.strip_prefix("encoder.").or_else(|| name.strip_prefix("decoder."))?;
        if rest.starts_with("layers.") {
            return Some(Self::Transformers);
        }
        rest.starts_with(|first: char| first.is_ascii_digit()).then_some(Self::Published)
    }
}

/// Checks that no tensor is named as in another form than the configuration's.
pub(super) fn check_format(
    checkpoint: &Checkpoint<'_>,
    config: &CodecConfig,
) -> Result<(), CheckpointError> {
    let expected = config.format;
    let other = checkpoint.names().find_map(|name| {
        let found = CheckpointFormat::of_tensor(name).filter(|found| *found != expected)?;
        Some((name, found))
    });
    match other {
        None => Ok(()),
        Some((name, found)) => Err(CheckpointError::Format {
            file: checkpoint.location().to_owned(),
            name: name.to_owned(),
            expected,
            found,
        }),
    }
}

/// A checkpoint of this form.
pub(super) struct TransformersTensors<'a> {
    pub checkpoint: &'a Checkpoint<'a>,
    pub config: &'a CodecConfig,
}

impl TransformersTensors<'_> {
    /// Returns this form's names for a published name.
    fn names(&self, published: &str) -> Vec<String> {
        let Some(name) = StackTensor::parse(published) else { return vec![published.to_owned()] };
        match LAYER_NAMES.iter().find(|(suffix, _)| *suffix == name.suffix) {
            Some((_, suffixes)) => suffixes.iter().map(|suffix| name.with(suffix)).collect(),
            None => vec![name.with(name.suffix)],
        }
    }

    /// Returns queries, keys and values in the published order of rows: [3][heads][head_dim].
    fn qkv(&self, name: &StackTensor<'_>, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        let [rows, width] = [shape[0] / 3, shape[1]];
        let fused = name.with(FUSED_QKV);
        let mut values = if self.checkpoint.has(&fused) {
            self.checkpoint.tensor(&[fused], shape)?
        } else {
            let mut values = Vec::with_capacity(3 * rows * width);
            for part in SPLIT_QKV {
                values.extend(self.checkpoint.tensor(&[name.with(part)], &[rows, width])?);
            }
            values
        };
        let heads = name.heads(self.config).unwrap_or(1);
        for head in values[..2 * rows * width].chunks_exact_mut(rows / heads * width) {
            interleave_halves(head, width);
        }
        Ok(values)
    }
}

impl TensorSource for TransformersTensors<'_> {
    fn tensor(&self, names: &[String], shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        if let Some(name) = StackTensor::parse(&names[0])
            && name.suffix == tensor_names::QKV[0]
        {
            return self.qkv(&name, shape);
        }
        let names: Vec<String> = names.iter().flat_map(|name| self.names(name)).collect();
        self.checkpoint.tensor(&names, shape)
    }

    fn has(&self, name: &str) -> bool {
        self.names(name).iter().any(|name| self.checkpoint.has(name))
    }

    fn check_unchanged(&self) -> Result<(), CheckpointError> {
        self.checkpoint.check_unchanged()
    }
}

/// The published name of a tensor of encoder or decoder, taken apart: `encoder.1.transformer.layers.0.norm1.bias`
/// has the stack `encoder`, the module 1, the place `transformer.layers.0` and the suffix `norm1.bias`.
struct StackTensor<'a> {
    stack: &'a str,
    module: usize,
    /// Empty for a tensor that belongs to no layer.
    layer: &'a str,
    suffix: &'a str,
}

impl<'a> StackTensor<'a> {
    fn parse(name: &'a str) -> Option<Self> {
        let (stack, rest) = name.split_once('.')?;
        let (module, rest) = rest.split_once('.')?;
        let module = module.parse().ok()?;
        let layers = "transformer.layers.";
        let length = match rest.strip_prefix(layers) {
            Some(layer) => layers.len() + layer.find('.')?,
            None => return Some(Self { stack, module, layer: "", suffix: rest }),
        };
        Some(Self { stack, module, layer: &rest[..length], suffix: &rest[length + 1..] })
    }

    /// Returns the name in this form of a tensor in the same place.
    fn with(&self, suffix: &str) -> String {
        let Self { stack, module, layer, .. } = self;
        let dot = if layer.is_empty() { "" } else { "." };
        format!("{stack}.layers.{module}.{layer}{dot}{suffix}")
    }

    /// Returns the attention heads of the tensor's stage.
    fn heads(&self, config: &CodecConfig) -> Option<usize> {
        let modules = if self.stack == "encoder" { &config.encoder } else { &config.decoder };
        match modules.get(self.module)? {
            ModuleConfig::Transformer(stage) => Some(stage.heads),
            ModuleConfig::Patch { .. } => None,
        }
    }
}

/// Reorders the rows of a head from [even rows, odd rows] to their original order.
fn interleave_halves(head: &mut [f32], width: usize) {
    let halves = head.to_vec();
    let (even, odd) = halves.split_at(halves.len() / 2);
    let pairs = even.chunks_exact(width).zip(odd.chunks_exact(width));
    for (to, (even, odd)) in head.chunks_exact_mut(2 * width).zip(pairs) {
        to[..width].copy_from_slice(even);
        to[width..].copy_from_slice(odd);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_halves_become_neighbors() {
        let mut head = [0., 0.5, 2., 2.5, 4., 4.5, 1., 1.5, 3., 3.5, 5., 5.5];
        interleave_halves(&mut head, 2);
        assert_eq!(head, [0., 0.5, 1., 1.5, 2., 2.5, 3., 3.5, 4., 4.5, 5., 5.5]);
    }

    #[test]
    fn names_of_the_published_form_are_told_from_those_of_transformers() {
        for (name, format) in [
            ("encoder.1.input_proj.weight", Some(CheckpointFormat::Published)),
            (
                "decoder.layers.0.transformer.layers.2.fc1.weight",
                Some(CheckpointFormat::Transformers),
            ),
            ("quantizer.input_proj.weight", None),
            ("encoder.conv.weight", None),
        ] {
            assert_eq!(CheckpointFormat::of_tensor(name), format, "{name}");
        }
    }
}
