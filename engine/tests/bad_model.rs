//! Malformed configurations and checkpoints: each gives its error, none panics, and none makes the
//! loader allocate more than the files themselves hold.

mod support;

use std::path::Path;
use std::sync::Mutex;

use residue_engine::codec::{Codec, CodecOptions};
use residue_engine_testing::allocation::{CountingAllocator, peak_memory};
use serde_json::{Value, json};
use support::folder;

/// Most memory that refusing a broken model of 0.7 MB may take at any moment.
const PEAK: usize = 16 << 20;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Tests that watch the allocator take turns.
static TURN: Mutex<()> = Mutex::new(());

/// Loads `dir` and returns what it said, having checked that it stayed small.
fn refusal(name: &str, dir: &Path) -> String {
    refusal_within(name, dir, PEAK)
}

/// As [`refusal`], with at most `most` bytes.
fn refusal_within(name: &str, dir: &Path, most: usize) -> String {
    let options = CodecOptions { threads: 1, ..CodecOptions::default() };
    let (found, peak) = peak_memory(|| match Codec::load(dir, &options) {
        Ok(_) => panic!("{name}: was accepted"),
        Err(error) => error.to_string(),
    });
    assert!(peak < most, "{name}: took {peak} bytes to refuse");
    found
}

fn check(name: &str, dir: &Path, expected: &[&str]) {
    let found = refusal(name, dir);
    for part in expected {
        assert!(found.contains(part), "{name}: said `{found}`, expected `{part}` in it");
    }
    assert!(!found.contains('\n'), "{name}: an error is one line");
}

/// A safetensors file taken apart, so that every part can be broken.
#[derive(Clone)]
struct Parts {
    header: Value,
    data: Vec<u8>,
}

impl Parts {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        Self {
            header: serde_json::from_slice(&bytes[8..8 + length]).unwrap(),
            data: bytes[8 + length..].to_vec(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let header = serde_json::to_vec(&self.header).unwrap();
        [&(header.len() as u64).to_le_bytes()[..], &header, &self.data].concat()
    }

    fn tensor(&mut self, name: &str) -> &mut Value {
        &mut self.header[name]
    }

    fn start(&self, name: &str) -> usize {
        self.header[name]["data_offsets"][0].as_u64().unwrap() as usize
    }
}

fn copy(case: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder(case)).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
    }
    dir
}

type Edit = fn(&mut Value);

#[test]
fn malformed_configurations() {
    let _turn = TURN.lock().unwrap();
    let cases: &[(&str, Edit, &[&str])] = &[
        ("not an object", |c| *c = json!([1, 2]), &["a list of 2 entries", "a JSON object"]),
        (
            "no rate",
            |c| remove(c, &["sampling_rate", "sample_rate"]),
            &["sampling_rate", "missing"],
        ),
        ("rate as text", |c| c["sampling_rate"] = json!("24k"), &["sampling_rate", "\"24k\""]),
        ("negative rate", |c| c["sampling_rate"] = json!(-24000), &["sampling_rate", "-24000"]),
        ("rate of zero", |c| c["sampling_rate"] = json!(0), &["sampling_rate", "1000 to 768000"]),
        ("no frame length", |c| remove(c, &["downsample_rate"]), &["downsample_rate", "missing"]),
        (
            "another frame length",
            |c| c["downsample_rate"] = json!(640),
            &["multiply to 640", "320"],
        ),
        ("zero channels", |c| c["number_channels"] = json!(0), &["number_channels", "is 0"]),
        ("99 channels", |c| c["number_channels"] = json!(99), &["number_channels", "1 to 8"]),
        (
            "interleave as text",
            |c| c["enable_channel_interleave"] = json!("yes"),
            &["true or false"],
        ),
        ("no encoder", |c| remove(c, &["encoder_kwargs"]), &["encoder_kwargs", "missing"]),
        ("an empty encoder", |c| c["encoder_kwargs"] = json!([]), &["encoder_kwargs", "0 entries"]),
        (
            "a module that is a number",
            |c| c["encoder_kwargs"][1] = json!(3),
            &["encoder_kwargs[1]"],
        ),
        (
            "an unknown module",
            |c| c["encoder_kwargs"][1]["module_type"] = json!("Mamba"),
            &["encoder_kwargs[1].module_type", "\"Mamba\"", "Transformer"],
        ),
        ("no module type", |c| c["decoder_kwargs"][0]["module_type"] = Value::Null, &["absent"]),
        (
            "a patch of zero",
            |c| c["encoder_kwargs"][0]["patch_size"] = json!(0),
            &["encoder_kwargs[0].patch_size", "is 0"],
        ),
        (
            "an absurd patch",
            |c| c["encoder_kwargs"][0]["patch_size"] = json!(1_u64 << 60),
            &["encoder_kwargs[0].patch_size"],
        ),
        (
            "a patch that does not divide",
            |c| c["decoder_kwargs"][1]["patch_size"] = json!(7),
            &["decoder_kwargs[1].patch_size", "divisor of 80"],
        ),
        (
            "zero heads",
            |c| c["encoder_kwargs"][1]["num_heads"] = json!(0),
            &["encoder_kwargs[1].num_heads", "is 0"],
        ),
        (
            "heads that do not divide",
            |c| c["encoder_kwargs"][1]["num_heads"] = json!(7),
            &["encoder_kwargs[1].num_heads", "divisor of d_model (64)"],
        ),
        (
            "odd heads with rotary positions",
            |c| c["encoder_kwargs"][1]["num_heads"] = json!(64),
            &["num_heads", "even width"],
        ),
        (
            "zero layers",
            |c| c["encoder_kwargs"][1]["num_layers"] = json!(0),
            &["encoder_kwargs[1].num_layers"],
        ),
        (
            "a million layers",
            |c| c["encoder_kwargs"][1]["num_layers"] = json!(1_000_000),
            &["encoder_kwargs[1].num_layers", "1 to 512"],
        ),
        (
            "an absurd width",
            |c| c["encoder_kwargs"][1]["d_model"] = json!(1_u64 << 40),
            &["encoder_kwargs[1].d_model"],
        ),
        (
            "half a width",
            |c| c["encoder_kwargs"][1]["d_model"] = json!(64.5),
            &["encoder_kwargs[1].d_model", "64.5"],
        ),
        (
            "a width that does not fit what comes in",
            |c| c["encoder_kwargs"][1]["input_dimension"] = json!(79),
            &["encoder_kwargs[1].input_dimension", "80, the width that comes in"],
        ),
        (
            "an encoder that ends elsewhere",
            |c| c["encoder_kwargs"][3]["output_dimension"] = json!(31),
            &["encoder_kwargs", "end at width 32"],
        ),
        (
            "a model that sees the future",
            |c| c["encoder_kwargs"][1]["causal"] = json!(false),
            &["encoder_kwargs[1].causal", "only a causal model can run live"],
        ),
        (
            "an unknown norm",
            |c| c["encoder_kwargs"][1]["norm"] = json!("batch_norm"),
            &["encoder_kwargs[1].norm", "\"batch_norm\"", "rms_norm"],
        ),
        (
            "an unknown position",
            |c| c["encoder_kwargs"][1]["positional_embedding"] = json!("alibi"),
            &["positional_embedding", "\"alibi\""],
        ),
        (
            "an unknown gate",
            |c| c["encoder_kwargs"][1]["gating"] = json!("swish9"),
            &["encoder_kwargs[1].gating", "\"swish9\""],
        ),
        (
            "weights per step",
            |c| c["encoder_kwargs"][1]["weights_per_step"] = json!(4),
            &["weights_per_step", "not supported"],
        ),
        (
            "a window of nothing",
            |c| c["encoder_kwargs"][1]["context_duration"] = json!(0.0),
            &["encoder_kwargs[1].context_duration"],
        ),
        (
            "an endless window",
            |c| c["encoder_kwargs"][1]["context_duration"] = json!(1e18),
            &["encoder_kwargs[1].context_duration"],
        ),
        (
            "a window shorter than a step",
            |c| c["encoder_kwargs"][3]["context_duration"] = json!(0.0001),
            &["encoder_kwargs[3].context_duration", "window"],
        ),
        (
            "heads that pad to gigabytes",
            |c| {
                let stage = &mut c["encoder_kwargs"][1];
                stage["d_model"] = json!(256);
                stage["num_heads"] = json!(256);
                stage["positional_embedding"] = json!("none");
                stage["context_duration"] = json!(100.0);
            },
            &["encoder_kwargs[1]", "bytes of memory a stream"],
        ),
        (
            "windows that add up over the layers",
            |c| {
                c["encoder_kwargs"][1]["num_layers"] = json!(512);
                c["encoder_kwargs"][1]["context_duration"] = json!(60.0);
            },
            &["encoder_kwargs[1]", "bytes of memory a stream"],
        ),
        (
            "a wide feed-forward block on many steps",
            |c| {
                // A frame of 1 << 15 samples: 1.4 s.
                for key in ["sampling_rate", "sample_rate"] {
                    c[key] = json!(24_000);
                }
                c["downsample_rate"] = json!(1 << 15);
                c["encoder_kwargs"][0] = patch(1);
                let stage = &mut c["encoder_kwargs"][1];
                stage["input_dimension"] = json!(1);
                stage["output_dimension"] = json!(1);
                stage["dim_feedforward"] = json!(1 << 20);
                c["encoder_kwargs"][2] = patch(1 << 15);
                c["encoder_kwargs"][3]["input_dimension"] = json!(1 << 15);
                c["encoder_kwargs"][3]["context_duration"] = json!(5.0);
                c["decoder_kwargs"] = json!([c["decoder_kwargs"][0].clone(), patch(1 << 15)]);
                c["decoder_kwargs"][0]["output_dimension"] = json!(1 << 15);
                c["decoder_kwargs"][0]["context_duration"] = json!(5.0);
            },
            &["bytes of memory a stream"],
        ),
        (
            "a frame of minutes",
            |c| c["downsample_rate"] = json!(1 << 20),
            &["downsample_rate", "1048576", "1 to 48000"],
        ),
        (
            "a window of a million positions",
            |c| c["encoder_kwargs"][1]["context_duration"] = json!(600.0),
            &["encoder_kwargs[1].context_duration", "32768 positions"],
        ),
        (
            "a small model with long windows",
            |c| {
                for stage in [1, 3] {
                    c["encoder_kwargs"][stage]["context_duration"] = json!(100.0);
                    c["encoder_kwargs"][stage]["num_layers"] = json!(4);
                }
            },
            &["encoder_kwargs[1]", "for weights of this size"],
        ),
        (
            "a period of zero",
            |c| c["encoder_kwargs"][1]["max_period"] = json!(0),
            &["encoder_kwargs[1].max_period"],
        ),
        ("no quantizer", |c| remove(c, &["quantizer_kwargs"]), &["quantizer_kwargs", "missing"]),
        (
            "an unknown quantizer",
            |c| c["quantizer_kwargs"]["quantizer_type"] = json!("fsq"),
            &["quantizer_kwargs.quantizer_type", "\"fsq\"", "rlfq"],
        ),
        (
            "zero quantizer layers",
            |c| c["quantizer_kwargs"]["num_quantizers"] = json!(0),
            &["quantizer_kwargs.num_quantizers"],
        ),
        (
            "a codebook of one",
            |c| c["quantizer_kwargs"]["codebook_size"] = json!(1),
            &["quantizer_kwargs.codebook_size"],
        ),
        (
            "an absurd codebook",
            |c| c["quantizer_kwargs"]["codebook_size"] = json!(1_u64 << 50),
            &["quantizer_kwargs.codebook_size"],
        ),
        (
            "a long text where a number belongs",
            |c| c["quantizer_kwargs"]["codebook_dim"] = json!("9".repeat(1 << 19)),
            &["quantizer_kwargs.codebook_dim", "..."],
        ),
    ];
    let dir = copy("gated");
    let path = dir.path().join("config.json");
    let good: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for (name, edit, expected) in cases {
        let mut config = good.clone();
        edit(&mut config);
        std::fs::write(&path, config.to_string()).unwrap();
        check(name, dir.path(), expected);
    }
    for (name, text, expected) in [
        ("an empty config.json", "", "not valid JSON"),
        ("half a config.json", "{\"sampling_rate\": 24", "not valid JSON"),
        ("nesting without end", "[".repeat(1 << 16).as_str(), "not valid JSON"),
    ] {
        std::fs::write(&path, text).unwrap();
        check(name, dir.path(), &[expected, "download the model again"]);
    }
    // Files that the limit on their size keeps small in memory, and other kinds of files.
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 7098265600\n";
    for (name, text, expected) in [
        ("a megabyte of nothing", " ".repeat(1 << 21), "larger than 1048576 bytes"),
        ("half a million lists", format!("[{}1]", "[],".repeat(1 << 18)), "a JSON object"),
        ("a Git LFS pointer", pointer.to_owned(), "this is a Git LFS pointer"),
        ("a login page", "\n<html><body>Sign in</body></html>".to_owned(), "this is a web page"),
    ] {
        std::fs::write(&path, &text).unwrap();
        drop(text);
        let found = refusal_within(name, dir.path(), 64 << 20);
        assert!(found.contains("config.json") && found.contains(expected), "{name}: {found}");
    }
    std::fs::remove_file(&path).unwrap();
    check("no config.json", dir.path(), &["config.json", "cannot read"]);
}

fn patch(size: usize) -> Value {
    json!({ "module_type": "PatchedPretransform", "patch_size": size })
}

fn remove(config: &mut Value, keys: &[&str]) {
    for key in keys {
        config.as_object_mut().unwrap().remove(*key);
    }
}

const QKV: &str = "encoder.1.transformer.layers.0.self_attn.in_proj.weight";
const CODEBOOK: &str = "quantizer.quantizers.2.codebook.weight";

type Break = fn(&mut Parts);

#[test]
fn malformed_checkpoints() {
    let _turn = TURN.lock().unwrap();
    let dir = copy("gated");
    let path = dir.path().join("model.safetensors");
    let good = Parts::read(&path);
    let cases: &[(&str, Break, &[&str])] = &[
        (
            "a missing tensor",
            |p| remove_tensor(p, QKV),
            &[QKV, "is missing", "[192, 64]", "do not belong to this config.json"],
        ),
        (
            "a missing codebook",
            |p| remove_tensor(p, CODEBOOK),
            &[CODEBOOK, "is missing", "[64, 8]"],
        ),
        (
            "a transposed tensor",
            |p| p.tensor(QKV)["shape"] = json!([64, 192]),
            &[QKV, "[64, 192]", "[192, 64]"],
        ),
        (
            "a tensor of another rank",
            |p| p.tensor(QKV)["shape"] = json!([192, 8, 8]),
            &[QKV, "[192, 8, 8]"],
        ),
        (
            "integers where weights belong",
            |p| p.tensor(QKV)["dtype"] = json!("I32"),
            &[QKV, "I32", "expected F32, BF16 or F16"],
        ),
        (
            "a NaN",
            |p| {
                let at = p.start(QKV) + 4 * 77;
                p.data[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
            },
            &[QKV, "NaN", "element 77"],
        ),
        (
            "an infinity",
            |p| {
                let at = p.start(CODEBOOK);
                p.data[at..at + 4].copy_from_slice(&f32::NEG_INFINITY.to_le_bytes());
            },
            &[CODEBOOK, "-inf", "element 0"],
        ),
        (
            "offsets beyond the end",
            |p| {
                let end = p.data.len() as u64;
                p.tensor(QKV)["data_offsets"] = json!([end, end + 4 * 192 * 64]);
            },
            &["model.safetensors", "not a whole safetensors file"],
        ),
        (
            "offsets that run backwards",
            |p| p.tensor(QKV)["data_offsets"] = json!([1000, 10]),
            &["model.safetensors", "not a whole safetensors file"],
        ),
        (
            "a shape of 2^120 elements",
            |p| p.tensor(QKV)["shape"] = json!([1_u64 << 60, 1_u64 << 60]),
            &["model.safetensors", "not a whole safetensors file"],
        ),
        (
            "a shape larger than its data",
            |p| p.tensor(QKV)["shape"] = json!([192, 6400]),
            &["model.safetensors", "not a whole safetensors file"],
        ),
        (
            "sizes that add up past 2^64",
            |p| {
                // Eight of the largest tensors there can be, one after the other.
                let size = (1_u64 << 61) - 1;
                let tensor = |i: u64| {
                    let range = [i * size, (i + 1) * size];
                    let info = json!({ "dtype": "U8", "shape": [size], "data_offsets": range });
                    (format!("t{i}"), info)
                };
                p.header = (0..8).map(tensor).collect::<serde_json::Map<_, _>>().into();
            },
            &["model.safetensors", "not a whole safetensors file", "more bytes than any file"],
        ),
        (
            "a header that is a list",
            |p| p.header = json!([1, 2, 3]),
            &["model.safetensors", "not a whole safetensors file"],
        ),
        (
            "half the data",
            |p| p.data.truncate(p.data.len() / 2),
            &["model.safetensors", "not a whole safetensors file", "download it again"],
        ),
        (
            "one byte too few",
            |p| p.data.truncate(p.data.len() - 1),
            &["model.safetensors", "not a whole safetensors file"],
        ),
    ];
    for (name, damage, expected) in cases {
        let mut parts = good.clone();
        damage(&mut parts);
        std::fs::write(&path, parts.bytes()).unwrap();
        drop(parts);
        check(name, dir.path(), expected);
    }
    let whole = good.bytes();
    let files: [(&str, Vec<u8>); 7] = [
        ("an empty file", vec![]),
        ("three bytes", vec![1, 2, 3]),
        ("a header length of 2^63", [&(1_u64 << 63).to_le_bytes()[..], &whole[8..]].concat()),
        ("a header length past the end", [&(1_u64 << 26).to_le_bytes()[..], &whole[8..]].concat()),
        ("a header cut short", whole[..200].to_vec()),
        ("an error page", b"<!DOCTYPE html><html><body>404 Not Found</body></html>".to_vec()),
        ("zeros", vec![0; 4096]),
    ];
    for (name, bytes) in &files {
        std::fs::write(&path, bytes).unwrap();
        check(name, dir.path(), &["model.safetensors", "download it again"]);
    }
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 7098265600\n";
    std::fs::write(&path, pointer).unwrap();
    check("a Git LFS pointer", dir.path(), &["model.safetensors: this is a Git LFS pointer"]);
    // Headers as dear as their limit allows: small items, each an allocation.
    let item = r#""0000":"","#;
    let text =
        format!("{{\"__metadata__\":{{{}\"\":\"\"}}}}", item.repeat((8 << 20) / item.len() - 8));
    let length = (text.len() as u64).to_le_bytes();
    std::fs::write(&path, [&length[..], text.as_bytes()].concat()).unwrap();
    drop(text);
    let found = refusal_within("a header of 8 MiB", dir.path(), 256 << 20);
    assert!(found.contains("is missing"), "{found}");
    std::fs::remove_file(&path).unwrap();
    std::fs::remove_file(dir.path().join("golden.safetensors")).unwrap();
    check(
        "no weights",
        dir.path(),
        &["neither model.safetensors nor model.safetensors.index.json"],
    );
    check("no such folder", &dir.path().join("nowhere"), &["cannot read", "nowhere"]);
}

fn remove_tensor(parts: &mut Parts, name: &str) {
    // Its bytes go too, or the header no longer covers the file.
    let range = &parts.header[name]["data_offsets"];
    let (start, end) = (range[0].as_u64().unwrap(), range[1].as_u64().unwrap());
    parts.data.drain(start as usize..end as usize);
    let tensors = parts.header.as_object_mut().unwrap();
    tensors.remove(name);
    for (_, info) in tensors.iter_mut().filter(|(name, _)| *name != "__metadata__") {
        for offset in info["data_offsets"].as_array_mut().unwrap() {
            let at = offset.as_u64().unwrap();
            if at >= end {
                *offset = json!(at - (end - start));
            }
        }
    }
}

#[test]
fn a_missing_projection_is_no_identity() {
    let _turn = TURN.lock().unwrap();
    let dir = copy("v2");
    let path = dir.path().join("model.safetensors");
    let mut parts = Parts::read(&path);
    let names: Vec<String> = parts.header.as_object().unwrap().keys().cloned().collect();
    let square = names.iter().find(|name| {
        let shape = parts.header[name.as_str()]["shape"].as_array();
        name.ends_with("put_proj.weight") && shape.is_some_and(|s| s[0] == s[1])
    });
    let square = square.expect("v2 has a projection between equal widths").clone();
    remove_tensor(&mut parts, &square);
    std::fs::write(&path, parts.bytes()).unwrap();
    check("a missing square projection", dir.path(), &[&square, "is missing"]);
}

#[test]
fn malformed_shard_indexes() {
    let _turn = TURN.lock().unwrap();
    let dir = copy("v1_sharded");
    let path = dir.path().join("model.safetensors.index.json");
    let good: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let cases: &[(&str, Edit, &[&str])] = &[
        ("no map", |i| remove(i, &["weight_map"]), &["index.json", "weight_map"]),
        ("an empty map", |i| i["weight_map"] = json!({}), &["index.json", "empty"]),
        ("a map that is a list", |i| i["weight_map"] = json!([1]), &["index.json", "weight_map"]),
        ("a shard above", |i| first(i, json!("../outside.safetensors")), &["plain file name"]),
        ("a shard at the root", |i| first(i, json!("/etc/passwd")), &["plain file name"]),
        ("a shard that is a number", |i| first(i, json!(7)), &["plain file name"]),
        (
            "a shard that is not there",
            |i| first(i, json!("gone.safetensors")),
            &["gone.safetensors"],
        ),
    ];
    for (name, edit, expected) in cases {
        let mut index = good.clone();
        edit(&mut index);
        std::fs::write(&path, index.to_string()).unwrap();
        check(name, dir.path(), expected);
    }
    std::fs::write(&path, "{").unwrap();
    check("half an index", dir.path(), &["index.json", "download the file again"]);
    std::fs::write(&path, good.to_string()).unwrap();
    let shard = dir.path().join("model-00002-of-00003.safetensors");
    let bytes = std::fs::read(&shard).unwrap();
    std::fs::write(&shard, &bytes[..bytes.len() - 5]).unwrap();
    check(
        "a truncated shard",
        dir.path(),
        &["model-00002-of-00003.safetensors", "download it again"],
    );
}

fn first(index: &mut Value, shard: Value) {
    let map = index["weight_map"].as_object_mut().unwrap();
    if let Some(entry) = map.values_mut().next() {
        *entry = shard;
    }
}

/// The memory of streams is what the configuration's limit is about: what is really allocated must not be more
/// than what was counted.
#[test]
fn a_lane_takes_no_more_memory_than_was_counted() {
    let _turn = TURN.lock().unwrap();
    for case in support::CASES {
        let codec = support::codec(case);
        let counted = codec.config().lane_bytes() as usize;
        for lanes in [1, 4] {
            let (_streams, peak) = peak_memory(|| (codec.encoder(lanes), codec.decoder(lanes)));
            // The KV caches are mapped and not counted by the allocator; a thread's scratch is not a lane's.
            let scratch = 1 << 20;
            assert!(peak < lanes * counted + scratch, "{case}: {peak} of {lanes} times {counted}");
        }
    }
}
