//! What instances cost.

use std::fs;
use std::path::Path;

use residue_engine_testing::SeededNoise;
use serde_json::{Map, Value, json};

use crate::alone;
use crate::rig::{Rig, noise};
use crate::states::{choice, miniature, with_model};

/// Instances.
const TEN: usize = 10;

/// Bytes of memory of this program that no file backs.
fn used() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("it is there");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") * 1024
}

/// Makes the miniature of Nano as large as Nano: its stages 256 wide, of four layers each, with
/// weights that mean nothing. Returns the number of parameters in the stages.
fn inflate(from: &Path, to: &Path) -> usize {
    let config = fs::read_to_string(from.join("config.json")).expect("there is a configuration");
    let mut config: Value = serde_json::from_str(&config).expect("it is JSON");
    for side in ["encoder_kwargs", "decoder_kwargs"] {
        for stage in config[side].as_array_mut().expect("a list of modules") {
            if stage["module_type"] == "Transformer" {
                for (key, value) in [
                    ("d_model", 256),
                    ("num_heads", 4),
                    ("num_layers", 4),
                    ("dim_feedforward", 1024),
                ] {
                    stage[key] = json!(value);
                }
            }
        }
    }
    fs::write(to.join("config.json"), config.to_string()).expect("it is written");

    let file = fs::read(from.join("model.safetensors")).expect("there are weights");
    let start = 8 + u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let tensors: Map<String, Value> = serde_json::from_slice(&file[8..start]).expect("a header");
    let (mut header, mut data, mut parameters) = (Map::new(), Vec::new(), 0);
    let mut add = |name: &str, shape: &[u64], bytes: &mut dyn Iterator<Item = u8>| {
        let begin = data.len();
        data.extend(bytes);
        let offsets = [begin, data.len()];
        header.insert(
            name.to_owned(),
            json!({"dtype": "F16", "shape": shape, "data_offsets": offsets}),
        );
    };
    let mut random = SeededNoise::new(1);
    for (name, tensor) in tensors.iter().filter(|(name, _)| *name != "__metadata__") {
        let number = |value: &Value| value.as_u64().expect("a number");
        let shape: Vec<u64> =
            tensor["shape"].as_array().expect("a shape").iter().map(number).collect();
        if name.starts_with("quantizer") {
            let place = |at: usize| start + number(&tensor["data_offsets"][at]) as usize;
            add(name, &shape, &mut file[place(0)..place(1)].iter().copied());
            continue;
        }
        let shape = match name.rsplit_once('.').map_or("", |(rest, _)| rest) {
            rest if rest.ends_with("input_proj") => vec![256, shape[1]],
            rest if rest.ends_with("output_proj") => vec![shape[0], 256],
            rest if rest.ends_with("ffn.0") => vec![1024, 256],
            rest if rest.ends_with("ffn.2") => vec![256, 1024],
            rest if rest.ends_with("in_proj") => vec![768, 256],
            rest if rest.ends_with("out_proj") => vec![256, 256],
            _ => vec![256],
        };
        let length: u64 = shape.iter().product();
        let copies = if name.contains("layers.0") { 4 } else { 1 };
        for layer in 0..copies {
            // Numbers of either sign from 1/64 to 1/32, in 16 bits.
            let draw = |_| {
                let bits = random.bits();
                let bits = (bits >> 31 << 15 | 0x2400 | bits >> 22 & 0x3ff) as u16;
                bits.to_le_bytes()
            };
            let name = name.replace("layers.0", &format!("layers.{layer}"));
            add(&name, &shape, &mut (0..length).flat_map(draw));
            parameters += length as usize;
        }
    }
    let header = Value::Object(header).to_string();
    let mut whole = (header.len() as u64).to_le_bytes().to_vec();
    whole.extend(header.as_bytes());
    whole.extend(data);
    fs::write(to.join("model.safetensors"), whole).expect("it is written");
    parameters
}

/// Ten instances of a model of Nano's size hold its weights once.
#[test]
fn ten_instances_share_weights() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("there is room for a model");
    let parameters = inflate(Path::new(&miniature("nano")), folder.path());
    let model = choice(folder.path().to_str().expect("its path is text"));
    let weights = parameters * 4;
    assert!(weights > 80_000_000, "{weights} bytes in f32");

    let input = vec![noise(1, 48_000, 0.2), noise(2, 48_000, 0.2)];
    let mut rigs = Vec::new();
    let mut steps = vec![used()];
    for _ in 0..TEN {
        let mut rig = Rig::new();
        assert!(rig.load(&with_model(&model)));
        rig.set_offline(true);
        rig.start(48_000, 512);
        let out = rig.play(&input, 0, std::iter::repeat(512), &[]);
        assert!(out[0].iter().any(|x| *x != 0.0), "it plays");
        assert!(rig.shown("Depth A") != "32 kbps", "it plays this model");
        rigs.push(rig);
        steps.push(used());
    }
    let grown = |from: usize, to: usize| steps[to].saturating_sub(steps[from]);
    let (first, others) = (grown(0, 1), grown(1, TEN) / (TEN - 1));
    println!(
        "weights {} MB; the first instance takes {} MB, each of the others {:.1} MB",
        weights >> 20,
        first >> 20,
        others as f64 / f64::from(1 << 20)
    );
    assert!(first > weights, "the first one brings the weights");
    assert!(others < weights / 4, "{others} bytes for each of the others");
}
