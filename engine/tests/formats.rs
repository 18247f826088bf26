//! Every form in which models come: the same codes and audio as from the published files, or a refusal that says
//! what differs.

mod support;

use std::path::Path;

use residue_engine::codec::{
    CheckpointFormat, Codec, CodecBackend, CodecConfig, CodecOptions, CodecParts, Device, Precision,
};
use residue_engine::tokens::Codes;
use safetensors::Dtype;
use serde_json::{Value, json};
use support::stored_model::StoredModel;
use support::{difference, folder, golden, padded, peak, signal, slices};

const SINGLE: &str = "model.safetensors";

fn load(folder: &Path, options: &CodecOptions) -> Codec {
    Codec::load(folder, options).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
}

/// Returns codes of all layers and the audio decoded from them.
fn run(codec: &Codec, audio: &[Vec<f32>]) -> (Codes, Vec<Vec<f32>>) {
    let planes = padded(audio, codec.config().frame_samples);
    let depth = codec.config().quantizer.layers;
    let codes = codec.encoder(1).encode(&slices(&planes), depth).unwrap().remove(0);
    let decoded = codec.decoder(1).decode(&[(&codes, depth)]).unwrap().remove(0);
    (codes, decoded)
}

fn run_folder(folder: &Path, audio: &[Vec<f32>]) -> (Codes, Vec<Vec<f32>>) {
    run(&load(folder, &CodecOptions::default()), audio)
}

fn stage(input: usize, output: usize, width: usize, heads: usize, layers: usize) -> Value {
    json!({
        "module_type": "Transformer", "input_dimension": input, "output_dimension": output,
        "d_model": width, "num_heads": heads, "num_layers": layers, "dim_feedforward": 48,
        "causal": true, "norm": "layer_norm", "positional_embedding": "rope", "max_period": 10000,
        "gating": "none", "layer_scale": 0.01,
    })
}

fn patch(size: usize) -> Value {
    json!({ "module_type": "PatchedPretransform", "patch_size": size })
}

/// Returns a model of v1's kind with stages of several heads, several layers and unequal widths.
fn several_heads() -> StoredModel {
    let quantizer = json!({
        "input_dim": 24, "rvq_dim": 20, "output_dim": 24, "num_quantizers": 4, "codebook_size": 64,
        "codebook_dim": 8, "quantizer_type": "rlfq",
    });
    let config = json!({
        "model_type": "speech_tokenizer", "sampling_rate": 16000, "downsample_rate": 320,
        "causal_transformer_context_duration": 0.13,
        "encoder_kwargs": [patch(80), stage(80, 32, 64, 4, 2), patch(4), stage(128, 24, 48, 3, 1)],
        "decoder_kwargs": [stage(24, 128, 48, 3, 1), patch(4), stage(32, 80, 64, 4, 2), patch(80)],
        "quantizer_kwargs": quantizer,
    });
    StoredModel::seeded(config, 20)
}

/// Returns a Nano-like fine-tune: 16 kHz stereo, 80 instead of 240 samples a patch, 12 layers.
fn fine_tune() -> StoredModel {
    let quantizer = json!({
        "input_dim": 48, "rvq_dim": 32, "output_dim": 48, "num_quantizers": 12,
        "codebook_size": 64, "codebook_dim": 8, "quantizer_type": "rlfq",
    });
    let config = json!({
        "model_type": "moss-audio-tokenizer", "sampling_rate": 16000, "sample_rate": 16000,
        "downsample_rate": 1280, "causal_transformer_context_duration": 0.3, "number_channels": 2,
        "enable_channel_interleave": true, "attention_implementation": "flash_attention_2",
        "compute_dtype": "bf16",
        "encoder_kwargs": [
            patch(80), stage(80, 32, 64, 1, 1), patch(2), stage(64, 32, 64, 1, 1),
            patch(2), stage(64, 32, 64, 1, 1), patch(2), stage(64, 12, 64, 1, 1), patch(4),
        ],
        "decoder_kwargs": [
            patch(4), stage(12, 64, 64, 1, 1), patch(2), stage(32, 64, 64, 1, 1),
            patch(2), stage(32, 64, 64, 1, 1), patch(2), stage(32, 80, 64, 1, 1), patch(80),
        ],
        "quantizer_kwargs": quantizer,
    });
    StoredModel::seeded(config, 16)
}

#[test]
fn the_form_of_transformers_gives_the_references_codes_and_the_same_audio() {
    let golden = golden("v1");
    let published = run_folder(&folder("v1"), &golden.audio);
    assert_eq!(published.0, golden.codes);
    for split in [true, false] {
        let model = StoredModel::golden("v1").to_transformers(split);
        for files in [model.write(SINGLE, Dtype::F32), model.write_sharded()] {
            let codec = load(files.path(), &CodecOptions::default());
            assert_eq!(codec.config().format, CheckpointFormat::Transformers);
            assert!(run(&codec, &golden.audio) == published, "split {split}");
            // The oracle reads the same tensors.
            let backend = CodecBackend::Candle(Device::Cpu);
            let candle = load(files.path(), &CodecOptions { backend, ..CodecOptions::default() });
            let (codes, decoded) = run(&candle, &golden.audio);
            assert_eq!(codes, golden.codes);
            assert!(difference(&decoded, &golden.decoded) < 2e-6 * peak(&golden.decoded));
        }
    }
}

#[test]
fn heads_and_layers_keep_their_rows() {
    let model = several_heads();
    let audio = signal(1, 40 * 320, 5);
    let published = run_folder(model.write(SINGLE, Dtype::F32).path(), &audio);
    for split in [true, false] {
        let files = model.to_transformers(split).write(SINGLE, Dtype::F32);
        assert!(run_folder(files.path(), &audio) == published, "split {split}");
        // Rows in the published order under the names of the other form give other codes, so that the order
        // counts in this model.
        let files = model.converted(split, false).write(SINGLE, Dtype::F32);
        let (codes, _) = run_folder(files.path(), &audio);
        let equal = codes.data().iter().zip(published.0.data()).filter(|(a, b)| a == b).count();
        assert!(equal * 2 < codes.data().len(), "{equal} of {} codes", codes.data().len());
    }
}

#[test]
fn packed_weights_are_those_of_the_published_form() {
    let model = several_heads();
    let audio = signal(1, 30 * 320, 6);
    let files =
        [model.write(SINGLE, Dtype::F32), model.to_transformers(true).write(SINGLE, Dtype::F32)];
    let home = tempfile::tempdir().unwrap();
    let options = CodecOptions {
        precision: Precision::Int8,
        packed_cache: Some(home.path().join("packed")),
        ..CodecOptions::default()
    };
    let [published, transformers] = files.each_ref().map(|files| load(files.path(), &options));
    let expected = run(&published, &audio);
    assert!(run(&transformers, &audio) == expected);
    // The second start reads what the first has packed.
    std::fs::write(files[1].path().join("config.json"), {
        let text = std::fs::read_to_string(files[1].path().join("config.json")).unwrap();
        text + "\n"
    })
    .unwrap();
    let again = load(files[1].path(), &options);
    assert!(again.warnings().is_empty() && run(&again, &audio) == expected);
}

#[test]
fn merged_weights_in_bfloat16_and_files_of_other_names() {
    let golden = golden("v1");
    let model = StoredModel::golden("v1").merged().rounded();
    let expected = run_folder(model.write(SINGLE, Dtype::F32).path(), &golden.audio);
    for file in [SINGLE, "model-00001-of-00001.safetensors", "codec.safetensors"] {
        let files = model.write(file, Dtype::BF16);
        assert!(run_folder(files.path(), &golden.audio) == expected, "{file}");
    }
    // Without its index.
    let sharded = model.write_sharded();
    std::fs::remove_file(sharded.path().join("model.safetensors.index.json")).unwrap();
    assert!(run_folder(sharded.path(), &golden.audio) == expected);
}

#[test]
fn fine_tunes_of_other_rates_patches_and_depths() {
    let model = fine_tune();
    let files = model.write(SINGLE, Dtype::F32);
    let codec = load(files.path(), &CodecOptions::default());
    let config = codec.config();
    assert_eq!((config.sample_rate, config.channels, config.frame_samples), (16_000, 2, 1280));
    assert_eq!((config.frame_rate(), config.quantizer.layers), (12.5, 12));
    let audio = signal(2, 20 * 1280, 9);
    let (codes, decoded) = run(&codec, &audio);
    let backend = CodecBackend::Candle(Device::Cpu);
    let candle = load(files.path(), &CodecOptions { backend, ..CodecOptions::default() });
    let (theirs, _) = run(&candle, &audio);
    assert_eq!(codes, theirs);
    let theirs = candle.decoder(1).decode(&[(&codes, 12)]).unwrap().remove(0);
    assert!(difference(&decoded, &theirs) < 1e-4 * peak(&theirs));
}

#[test]
fn aliases_and_defaults_of_the_published_code() {
    let text = |case: &str| std::fs::read_to_string(folder(case).join("config.json")).unwrap();
    let parse = |json: &Value| CodecConfig::parse(&json.to_string()).unwrap();
    for case in ["v1", "nano"] {
        let json: Value = serde_json::from_str(&text(case)).unwrap();
        let expected = parse(&json);
        // The decoder as the mirror of `reversed_decoder_kwargs`.
        let mut mirrored = json.clone();
        mirrored.as_object_mut().unwrap().remove("decoder_kwargs").unwrap();
        assert_eq!(parse(&mirrored), expected, "{case}");
        // `sample_rate` and no `sampling_rate`.
        let mut aliased = json.clone();
        aliased.as_object_mut().unwrap().remove("sampling_rate").unwrap();
        assert_eq!(parse(&aliased), expected, "{case}");
    }
    let nano: Value = serde_json::from_str(&text("nano")).unwrap();
    let mut aliased = nano.clone();
    aliased.as_object_mut().unwrap().remove("number_channels").unwrap();
    aliased["channels_numbers"] = json!(2);
    assert_eq!(parse(&aliased), parse(&nano));
    // A stage without a duration has that of the whole model.
    let (mut without, mut with) = (nano.clone(), nano);
    for json in [&mut without, &mut with] {
        json["causal_transformer_context_duration"] = json!(0.2);
    }
    without["decoder_kwargs"][1].as_object_mut().unwrap().remove("context_duration").unwrap();
    with["decoder_kwargs"][1]["context_duration"] = json!(0.2);
    assert_eq!(parse(&without), parse(&with));
}

#[test]
fn defaults_of_transformers_are_those_of_v1() {
    let json =
        json!({ "model_type": "moss_audio_tokenizer", "downsampling_ratios": [240, 2, 2, 2] });
    let config = CodecConfig::parse(&json.to_string()).unwrap();
    let v1 = CodecConfig::v1();
    assert_eq!(CodecConfig { format: CheckpointFormat::Published, ..config }, v1);
}

type Edit = fn(&mut Value);

#[test]
fn configurations_of_transformers_that_cannot_be_honoured_are_refused() {
    let cases: &[(Edit, &str)] = &[
        (
            |c| c["hidden_sizes"] = json!([64, 48, 48]),
            "config.json: `hidden_sizes` is a list of 3 entries; expected a list of 2 entries, one for each of downsampling_ratios",
        ),
        (
            |c| c["num_hidden_layers"] = json!([2, "many"]),
            "config.json: `num_hidden_layers[1]` is \"many\"; expected a whole number from 1 to 512",
        ),
        (
            |c| c["num_attention_heads"] = json!([4, 5]),
            "config.json: `num_attention_heads[1]` is 5; expected a divisor of 48 that leaves heads of an even width",
        ),
        (
            |c| c["input_hidden_sizes"] = json!([80, 127]),
            "config.json: `input_hidden_sizes[1]` is 127; expected 128, the width that comes in",
        ),
        (
            |c| c["quantizer_config"]["input_hidden_size"] = json!(25),
            "config.json: `quantizer_config.input_hidden_size` is 25; expected 24, the last of output_hidden_sizes",
        ),
        (
            |c| c["rope_parameters"]["rope_type"] = json!("yarn"),
            "config.json: `rope_parameters.rope_type` is \"yarn\"; expected default",
        ),
        (
            |c| c["num_channels"] = json!(2),
            "config.json: `num_channels` is 2; expected 1: this form is known for mono models only; take the model's published files",
        ),
        (
            |c| c["sliding_window_duration"] = json!(0.001),
            "config.json: `sliding_window_duration` is 0.001; expected a window of 1 to 32768 positions at 200 Hz",
        ),
        (
            |c| c["downsampling_ratios"] = json!([80, 65536]),
            "config.json: `downsampling_ratios` is a list of 2 entries; expected ratios that multiply to at most 32000, 2 s",
        ),
        (
            |c| c["encoder_kwargs"] = json!([]),
            "config.json has `encoder_kwargs` of the published form and `downsampling_ratios` of the form of transformers; take the file as one of them wrote it",
        ),
        (
            |c| c["model_type"] = json!("resnet"),
            "config.json is of a model of type \"resnet\"; expected a MOSS-Audio-Tokenizer, which has `encoder_kwargs` or `downsampling_ratios`",
        ),
        (
            |c| c["quantization_config"] = json!({ "bits": 4 }),
            "config.json has `quantization_config`, so the weights are quantized by another program; get the model in F32, BF16 or F16, and choose a precision here",
        ),
    ];
    let config = several_heads().to_transformers(true).config;
    CodecConfig::parse(&config.to_string()).unwrap();
    for (edit, expected) in cases {
        let mut changed = config.clone();
        edit(&mut changed);
        let error = CodecConfig::parse(&changed.to_string()).unwrap_err();
        assert_eq!(error.to_string(), *expected);
    }
    let alias = json!({ "number_channels": 2, "channels_numbers": 1, "sampling_rate": 16000, "encoder_kwargs": [] });
    assert_eq!(
        CodecConfig::parse(&alias.to_string()).unwrap_err().to_string(),
        "config.json: `channels_numbers` is 1; expected 2, as number_channels says"
    );
    let other = json!({ "model_type": "moss_tts_nano", "hidden_size": 768 });
    assert_eq!(
        CodecConfig::parse(&other.to_string()).unwrap_err().to_string(),
        "config.json is of a model of type \"moss_tts_nano\"; expected a MOSS-Audio-Tokenizer, which has `encoder_kwargs` or `downsampling_ratios`"
    );
}

#[test]
fn files_of_two_forms_are_refused() {
    let published = several_heads();
    let transformers = published.to_transformers(true);
    let mut mixed = transformers.clone();
    let name = "decoder.0.input_proj.weight";
    mixed.tensors.insert(name.to_owned(), published.tensors["encoder.1.input_proj.weight"].clone());
    let differs = "the two order the rows of queries and keys differently, so take both files from one repository";
    for (model, expected) in [
        (
            StoredModel { config: published.config.clone(), ..transformers.clone() },
            format!(
                "tensor `decoder.layers.0.input_proj.weight` is named as in the form of transformers, and config.json is of the published form; {differs}"
            ),
        ),
        (
            StoredModel { config: transformers.config.clone(), ..published.clone() },
            format!(
                "tensor `decoder.0.input_proj.weight` is named as in the published form, and config.json is of the form of transformers; {differs}"
            ),
        ),
        (
            mixed,
            format!(
                "tensor `decoder.0.input_proj.weight` is named as in the published form, and config.json is of the form of transformers; {differs}"
            ),
        ),
    ] {
        let files = model.write(SINGLE, Dtype::F32);
        let error = Codec::load(files.path(), &CodecOptions::default()).err().unwrap();
        assert_eq!(error.to_string(), format!("{}: {expected}", files.path().display()));
    }
}

#[test]
fn missing_tensors_are_named_as_in_their_form() {
    let mut model = several_heads().to_transformers(true);
    model.tensors.remove("encoder.layers.1.transformer.layers.0.fc1.weight").unwrap();
    let files = model.write(SINGLE, Dtype::F32);
    let error = Codec::load(files.path(), &CodecOptions::default()).err().unwrap().to_string();
    assert!(error.contains("encoder.layers.1.transformer.layers.0.fc1.weight or "), "{error}");
    let mut model = several_heads().to_transformers(true);
    model.tensors.remove("encoder.layers.3.transformer.layers.0.self_attn.k_proj.weight").unwrap();
    let files = model.write(SINGLE, Dtype::F32);
    let error = Codec::load(files.path(), &CodecOptions::default()).err().unwrap().to_string();
    assert!(error.contains("layers.0.self_attn.k_proj.weight is missing"), "{error}");
}

#[test]
fn a_half_of_a_model_does_what_the_whole_does() {
    let files = several_heads().write(SINGLE, Dtype::F32);
    let audio = signal(1, 30 * 320, 7);
    for precision in [Precision::F32, Precision::Int8] {
        let home = tempfile::tempdir().unwrap();
        let packed = home.path().join("packed");
        let half = |parts, cache: bool| {
            let packed_cache = cache.then(|| packed.clone());
            load(
                files.path(),
                &CodecOptions { parts, precision, packed_cache, ..CodecOptions::default() },
            )
        };
        let (codes, decoded) = run(&half(CodecParts::Whole, false), &audio);
        // Packed by itself, read again, and read from the whole model's packed file.
        for pass in 0..3 {
            if pass == 2 {
                let kept = std::fs::read_dir(&packed).map_or(0, Iterator::count);
                assert_eq!(kept, if precision == Precision::F32 { 0 } else { 2 });
                std::fs::remove_dir_all(&packed).ok();
                half(CodecParts::Whole, true);
            }
            let encoder = half(CodecParts::Encoder, true);
            let found = encoder.encoder(1).encode(&slices(&audio), 4).unwrap().remove(0);
            assert!(found == codes, "{precision} {pass}");
            let decoder = half(CodecParts::Decoder, true);
            let found = decoder.decoder(1).decode(&[(&codes, 4)]).unwrap().remove(0);
            assert!(found == decoded, "{precision} {pass}");
            assert!(encoder.warnings().is_empty() && decoder.warnings().is_empty());
        }
        let kept = std::fs::read_dir(&packed).map_or(0, Iterator::count);
        assert_eq!(
            kept,
            if precision == Precision::F32 { 0 } else { 1 },
            "the whole model's alone"
        );
    }
}

#[test]
fn a_half_needs_no_tensors_of_the_other() {
    let mut model = several_heads();
    model.tensors.retain(|name, _| !name.starts_with("encoder."));
    let files = model.write(SINGLE, Dtype::F32);
    let parts = CodecParts::Decoder;
    let decoder = load(files.path(), &CodecOptions { parts, ..CodecOptions::default() });
    assert_eq!(decoder.parts(), CodecParts::Decoder);
    assert!(Codec::load(files.path(), &CodecOptions::default()).is_err());
}
