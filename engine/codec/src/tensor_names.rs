//! How checkpoints spell the tensors of a transformer layer: v1's names and the later ones.

pub(super) const QKV: [&str; 3] =
    ["self_attn.in_projs.0.weight", "self_attn.in_proj.weight", "self_attn.in_proj_weight"];
pub(super) const ATTENTION_OUT: [&str; 2] =
    ["self_attn.out_projs.0.weight", "self_attn.out_proj.weight"];
pub(super) const FEED_FORWARD: [[&str; 2]; 2] =
    [["linear1.weight", "ffn.0.weight"], ["linear2.weight", "ffn.2.weight"]];
pub(super) const GATED: [[&str; 2]; 2] = [
    ["gating.linear_in.weight", "ffn.linear_in.weight"],
    ["gating.linear_out.weight", "ffn.linear_out.weight"],
];
/// The gain of an RMSNorm.
pub(super) const RMS_GAIN: [&str; 2] = ["alpha", "weight"];
pub(super) const INPUT_PROJECTION: &str = "input_proj.weight";
pub(super) const OUTPUT_PROJECTION: &str = "output_proj.weight";
