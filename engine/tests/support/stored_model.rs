//! A model's files in memory, to be changed and written in other forms.

use std::collections::BTreeMap;
use std::path::Path;

use residue_engine_testing::SeededNoise;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::folder;

/// A tensor: shape and values, row-major.
#[derive(Clone)]
pub struct StoredTensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// A model in the published form or in that of transformers.
#[derive(Clone)]
pub struct StoredModel {
    pub config: Value,
    pub tensors: BTreeMap<String, StoredTensor>,
}

/// Names of the published form with those of transformers, present and earlier.
const LAYER_NAMES: [(&str, &str, &str); 9] = [
    ("self_attn.out_projs.0.weight", "self_attn.o_proj.weight", "self_attn.out_proj.weight"),
    ("norm1.weight", "self_attn_layer_norm.weight", "norm1.weight"),
    ("norm1.bias", "self_attn_layer_norm.bias", "norm1.bias"),
    ("norm2.weight", "final_layer_norm.weight", "norm2.weight"),
    ("norm2.bias", "final_layer_norm.bias", "norm2.bias"),
    ("linear1.weight", "fc1.weight", "linear1.weight"),
    ("linear2.weight", "fc2.weight", "linear2.weight"),
    ("layer_scale_1.scale", "layer_scale_1.lambda1", "layer_scale_1.scale"),
    ("layer_scale_2.scale", "layer_scale_2.lambda1", "layer_scale_2.scale"),
];

impl StoredModel {
    /// Reads a golden case of one file in F32.
    pub fn golden(case: &str) -> Self {
        let config = std::fs::read_to_string(folder(case).join("config.json")).unwrap();
        let bytes = std::fs::read(folder(case).join("model.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors = file.tensors().into_iter().map(|(name, tensor)| {
            assert_eq!(tensor.dtype(), Dtype::F32);
            let values = tensor.data().as_chunks::<4>().0.iter();
            let values = values.map(|bytes| f32::from_le_bytes(*bytes)).collect();
            (name, StoredTensor { shape: tensor.shape().to_vec(), values })
        });
        Self { config: serde_json::from_str(&config).unwrap(), tensors: tensors.collect() }
    }

    /// Draws seeded weights for a published configuration of plain feed-forward and layer norm, in v1's names.
    pub fn seeded(config: Value, seed: u32) -> Self {
        let number = |value: &Value| value.as_u64().unwrap() as usize;
        let mut noise = SeededNoise::new(seed);
        let mut tensors = BTreeMap::new();
        let mut draw = |name: String, shape: &[usize], center: f32, spread: f32| {
            let count = shape.iter().product();
            let values = (0..count).map(|_| center + spread * noise.sample()).collect();
            tensors.insert(name, StoredTensor { shape: shape.to_vec(), values });
        };
        let is_v1 = config["number_channels"].is_null();
        for stack in ["encoder", "decoder"] {
            for (i, module) in
                config[format!("{stack}_kwargs")].as_array().unwrap().iter().enumerate()
            {
                if module["module_type"] != "Transformer" {
                    continue;
                }
                let [input, output, width, hidden, layers] = [
                    "input_dimension",
                    "output_dimension",
                    "d_model",
                    "dim_feedforward",
                    "num_layers",
                ]
                .map(|key| number(&module[key]));
                let fan = |inputs: usize| (3.0 / inputs as f32).sqrt();
                let ends = [("input_proj", width, input), ("output_proj", output, width)];
                for (name, rows, columns) in ends {
                    if rows != columns || !is_v1 {
                        let name = format!("{stack}.{i}.{name}.weight");
                        draw(name, &[rows, columns], 0.0, fan(columns));
                    }
                }
                for layer in 0..layers {
                    let at = |name: &str| format!("{stack}.{i}.transformer.layers.{layer}.{name}");
                    let qkv = [3 * width, width];
                    draw(at("self_attn.in_projs.0.weight"), &qkv, 0.0, 1.4 * fan(width));
                    draw(at("self_attn.out_projs.0.weight"), &[width, width], 0.0, fan(width));
                    draw(at("linear1.weight"), &[hidden, width], 0.0, fan(width));
                    draw(at("linear2.weight"), &[width, hidden], 0.0, fan(hidden));
                    for norm in ["norm1", "norm2"] {
                        draw(at(&format!("{norm}.weight")), &[width], 1.0, 0.25);
                        draw(at(&format!("{norm}.bias")), &[width], 0.0, 0.15);
                    }
                    draw(at("layer_scale_1.scale"), &[width], 0.65, 0.35);
                    draw(at("layer_scale_2.scale"), &[width], 0.65, 0.35);
                }
            }
        }
        let quantizer = &config["quantizer_kwargs"];
        let [input, rvq, output, layers, size, dim] = [
            "input_dim",
            "rvq_dim",
            "output_dim",
            "num_quantizers",
            "codebook_size",
            "codebook_dim",
        ]
        .map(|key| number(&quantizer[key]));
        let mut convolution = |name: String, rows: usize, columns: usize| {
            draw(format!("{name}.parametrizations.weight.original0"), &[rows, 1, 1], 1.0, 0.3);
            let shape = [rows, columns, 1];
            draw(format!("{name}.parametrizations.weight.original1"), &shape, 0.0, 1.0);
            draw(format!("{name}.bias"), &[rows], 0.0, 0.1);
        };
        convolution("quantizer.input_proj".to_owned(), rvq, input);
        convolution("quantizer.output_proj".to_owned(), output, rvq);
        for layer in 0..layers {
            convolution(format!("quantizer.quantizers.{layer}.in_proj"), dim, rvq);
            convolution(format!("quantizer.quantizers.{layer}.out_proj"), rvq, dim);
        }
        for layer in 0..layers {
            draw(format!("quantizer.quantizers.{layer}.codebook.weight"), &[size, dim], 0.0, 1.0);
        }
        Self { config, tensors }
    }

    /// Merges the gains of weight-normed convolutions into their weights.
    pub fn merged(mut self) -> Self {
        let suffix = ".parametrizations.weight.original0";
        let names: Vec<String> =
            self.tensors.keys().filter(|n| n.ends_with(suffix)).cloned().collect();
        for name in names {
            let base = name.strip_suffix(suffix).unwrap();
            let gain = self.tensors.remove(&name).unwrap();
            let direction = format!("{base}.parametrizations.weight.original1");
            let mut weight = self.tensors.remove(&direction).unwrap();
            let columns = weight.values.len() / gain.values.len();
            for (row, gain) in weight.values.chunks_exact_mut(columns).zip(gain.values) {
                let norm = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                let scale = (f64::from(gain) / norm) as f32;
                row.iter_mut().for_each(|x| *x *= scale);
            }
            self.tensors.insert(format!("{base}.weight"), weight);
        }
        self
    }

    /// Rounds all values to bfloat16.
    pub fn rounded(mut self) -> Self {
        let values = self.tensors.values_mut().flat_map(|tensor| &mut tensor.values);
        values.for_each(|x| *x = f32::from_bits(u32::from(bfloat16(*x)) << 16));
        self
    }

    /// Converts from the published form to that of transformers, as its conversion script does: renamed, weight
    /// norm merged, the rows of each head of queries and keys in the order 0, 2, ..., 1, 3, .... `split`: queries,
    /// keys and values in tensors of their own, as in its present version.
    pub fn to_transformers(&self, split: bool) -> Self {
        self.converted(split, true)
    }

    /// As [`StoredModel::to_transformers`], with the rows as they are published where `permute` is false.
    pub fn converted(&self, split: bool, permute: bool) -> Self {
        let mut tensors = BTreeMap::new();
        for (name, tensor) in self.clone().merged().tensors {
            let Some((stack, rest)) =
                name.split_once('.').filter(|(stack, _)| *stack != "quantizer")
            else {
                tensors.insert(name, tensor);
                continue;
            };
            let new = |rest: &str| format!("{stack}.layers.{rest}");
            if let Some(place) = rest.strip_suffix("self_attn.in_projs.0.weight") {
                let module: usize = rest.split('.').next().unwrap().parse().unwrap();
                let heads = &self.config[format!("{stack}_kwargs")][module]["num_heads"];
                let heads = heads.as_u64().unwrap() as usize;
                let width = tensor.shape[1];
                let mut parts: Vec<Vec<f32>> =
                    tensor.values.chunks_exact(width * width).map(<[f32]>::to_vec).collect();
                if permute {
                    parts[..2].iter_mut().for_each(|rows| *rows = halves(rows, heads, width));
                }
                if split {
                    for (part, values) in ["q", "k", "v"].iter().zip(parts) {
                        let name = new(&format!("{place}self_attn.{part}_proj.weight"));
                        tensors.insert(name, StoredTensor { shape: vec![width, width], values });
                    }
                } else {
                    let shape = vec![3 * width, width];
                    let name = new(&format!("{place}self_attn.in_proj.weight"));
                    tensors.insert(name, StoredTensor { shape, values: parts.concat() });
                }
                continue;
            }
            let renamed = LAYER_NAMES.iter().find_map(|(published, present, earlier)| {
                let place = rest.strip_suffix(published)?;
                Some(format!("{place}{}", if split { present } else { earlier }))
            });
            tensors.insert(new(&renamed.unwrap_or_else(|| rest.to_owned())), tensor);
        }
        Self { config: self.transformers_config(), tensors }
    }

    fn transformers_config(&self) -> Value {
        let encoder = self.config["encoder_kwargs"].as_array().unwrap();
        let patches: Vec<&Value> =
            encoder.iter().map(|m| &m["patch_size"]).filter(|p| !p.is_null()).collect();
        let of_stages = |key: &str| -> Vec<&Value> {
            encoder.iter().map(|module| &module[key]).filter(|value| !value.is_null()).collect()
        };
        let quantizer = &self.config["quantizer_kwargs"];
        json!({
            "architectures": ["MossAudioTokenizerModel"],
            "model_type": "moss_audio_tokenizer",
            "dtype": "float32",
            "sampling_rate": self.config["sampling_rate"],
            "sliding_window_duration": self.config["causal_transformer_context_duration"],
            "downsampling_ratios": patches,
            "input_hidden_sizes": of_stages("input_dimension"),
            "output_hidden_sizes": of_stages("output_dimension"),
            "hidden_sizes": of_stages("d_model"),
            "num_attention_heads": of_stages("num_heads"),
            "num_hidden_layers": of_stages("num_layers"),
            "intermediate_sizes": of_stages("dim_feedforward"),
            "layer_scale_init_value": 0.01,
            "max_position_embeddings": 2048,
            "rope_parameters": { "rope_theta": 10000.0, "rope_type": "default" },
            "use_cache": true,
            "quantizer_config": {
                "input_hidden_size": quantizer["input_dim"],
                "hidden_size": quantizer["rvq_dim"],
                "output_hidden_size": quantizer["output_dim"],
                "n_codebooks": quantizer["num_quantizers"],
                "codebook_size": quantizer["codebook_size"],
            },
        })
    }

    /// Writes `config.json` and all tensors in F32 or bfloat16 into one file of this name in a new folder.
    pub fn write(&self, file: &str, dtype: Dtype) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.write_config(folder.path());
        write_tensors(&folder.path().join(file), self.tensors.iter(), dtype);
        folder
    }

    /// Writes the tensors in F32 into two shards in turn, and an index.
    pub fn write_sharded(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        self.write_config(folder.path());
        let mut map = BTreeMap::new();
        for shard in 0..2 {
            let file = format!("model-{:05}-of-00002.safetensors", shard + 1);
            let tensors = self.tensors.iter().skip(shard).step_by(2);
            map.extend(tensors.clone().map(|(name, _)| (name.clone(), file.clone())));
            write_tensors(&folder.path().join(file), tensors, Dtype::F32);
        }
        let index = json!({ "metadata": { "total_size": 1 }, "weight_map": map });
        let path = folder.path().join("model.safetensors.index.json");
        std::fs::write(path, index.to_string()).unwrap();
        folder
    }

    fn write_config(&self, folder: &Path) {
        std::fs::write(folder.join("config.json"), self.config.to_string()).unwrap();
    }
}

/// Returns the bits of the nearest bfloat16, of two the even one.
fn bfloat16(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// Orders the rows of each head as [even rows, odd rows].
fn halves(rows: &[f32], heads: usize, width: usize) -> Vec<f32> {
    let head = width / heads;
    let order = (0..heads).flat_map(|h| {
        let row = move |i| h * head + i;
        (0..head).step_by(2).map(row).chain((1..head).step_by(2).map(row))
    });
    order.flat_map(|row| rows[row * width..][..width].to_vec()).collect()
}

fn write_tensors<'a>(
    path: &Path,
    tensors: impl Iterator<Item = (&'a String, &'a StoredTensor)>,
    dtype: Dtype,
) {
    let stored: Vec<(&String, &StoredTensor, Vec<u8>)> = tensors
        .map(|(name, tensor)| {
            let bytes = tensor.values.iter().flat_map(|x| match dtype {
                Dtype::BF16 => bfloat16(*x).to_le_bytes().to_vec(),
                _ => x.to_le_bytes().to_vec(),
            });
            (name, tensor, bytes.collect())
        })
        .collect();
    let views = stored.iter().map(|(name, tensor, bytes)| {
        (name.as_str(), TensorView::new(dtype, tensor.shape.clone(), bytes).unwrap())
    });
    std::fs::write(path, serialize(views, None).unwrap()).unwrap();
}
