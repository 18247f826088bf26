//! Smaller weights: what they cost in quality, and keeping them packed for the next start.

mod support;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use residue_engine::audio::{self, Audio, MonoTreatment};
use residue_engine::codec::{
    Codec, CodecBackend, CodecError, CodecOptions, Device, LoadWarning, Precision,
};
use residue_engine::tokens::Codes;
use residue_engine::{measure, models, offline};
use support::{folder, signal, slices};

/// The first seconds of a demo clip.
fn clip(name: &str, seconds: f64) -> Audio {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/clips").join(name);
    let mut audio = audio::read(&path).unwrap().audio;
    let samples = (seconds * f64::from(audio.rate)) as usize;
    audio.channels.iter_mut().for_each(|plane| plane.truncate(samples));
    audio
}

/// A clip through the embedded model at all layers: its codes, and what they sound like.
fn roundtrip(precision: Precision, audio: &Audio) -> (Vec<Codes>, Audio) {
    let model = models::embedded();
    let options = CodecOptions { precision, threads: 2, ..CodecOptions::default() };
    let codec = Codec::load_from_memory(model.config, model.weights, &options).unwrap();
    assert_eq!(codec.precision(), precision);
    let depth = codec.config().quantizer.layers;
    let mut go = |_| ControlFlow::Continue(());
    let mid = MonoTreatment::Mid;
    let encoded = offline::encode(&codec, audio, depth, mid, 8, &mut go).unwrap();
    let decoded = offline::decode(&codec, &encoded, &[depth], 8, &mut go).unwrap().remove(0);
    (encoded.streams, decoded)
}

/// What a precision costs on the demo clips: the least share of f32's codes in any of the first four
/// layers, the mel distance to f32 in shares of the one from there to the original, and what that grows
/// by.
fn cost(precision: Precision) -> [f64; 3] {
    let (mut exact, mut smaller, mut same, mut apart) = (0.0, 0.0, 1f64, 0f64);
    for name in ["speech.flac", "music.flac", "effects.flac"] {
        let original = clip(name, 2.0);
        let (codes, reference) = roundtrip(Precision::F32, &original);
        let (other, decoded) = roundtrip(precision, &original);
        let mel = |a, b| measure::mel_distance(a, b).unwrap();
        let (a, b) = (mel(&original, &reference), mel(&original, &decoded));
        let agreement = measure::code_agreement(&codes, &other).unwrap();
        println!(
            "{name}: mel {a:.4} in f32, {b:.4} in {precision}; codes by layer {agreement:.2?}"
        );
        apart = apart.max(mel(&reference, &decoded) / a);
        // The later layers code what is 20 dB and more below the signal: there rounding decides.
        same = agreement[..4].iter().copied().fold(same, f64::min);
        exact += a;
        smaller += b;
    }
    let growth = smaller / exact - 1.0;
    println!("mel distance to the originals grows by {:.2} %", growth * 100.0);
    [same, apart, growth]
}

#[test]
fn eight_bits_on_the_embedded_model_cost_less_than_a_percent() {
    let [same, apart, growth] = cost(Precision::Int8);
    assert!(same > 0.65 && apart < 0.4 && growth < 0.01, "{same} {apart} {growth}");
}

#[test]
fn four_bits_on_the_embedded_model_cost_at_most_a_tenth() {
    let [same, apart, growth] = cost(Precision::Int4);
    assert!(same > 0.6 && apart < 0.5 && growth < 0.1, "{same} {apart} {growth}");
}

/// In integers the embedded model has layers that stay in bfloat16.
#[test]
fn packed_layers_of_several_precisions_are_found_again() {
    for precision in [Precision::Int8, Precision::Int4] {
        let place = tempfile::tempdir().unwrap();
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/model");
        let cache = Some(place.path().join("packed"));
        let options = CodecOptions { precision, threads: 1, cache, ..CodecOptions::default() };
        let load = || {
            let codec = Codec::load(&model, &options).unwrap();
            assert!(codec.warnings().is_empty(), "{:?}", codec.warnings());
            outcome(&codec)
        };
        let first = load();
        let whole = fs::read(only_file(&place.path().join("packed"))).unwrap();
        assert!(load() == first);
        assert_eq!(fs::read(only_file(&place.path().join("packed"))).unwrap(), whole);
    }
}

#[test]
fn the_reference_backend_knows_one_precision() {
    let backend = CodecBackend::Candle(Device::Cpu);
    let options = CodecOptions { backend, precision: Precision::Int8, ..CodecOptions::default() };
    let error = Codec::load(&folder("v1"), &options).err().unwrap();
    assert!(matches!(error, CodecError::Precision { precision: Precision::Int8 }), "{error}");
}

/// Codes and audio of a golden model.
fn outcome(codec: &Codec) -> (Vec<Codes>, Vec<Vec<Vec<f32>>>) {
    let config = codec.config();
    let audio = signal(config.channels, 6 * config.frame_samples, 5);
    let codes = codec.encoder(1).encode(&slices(&audio), 4).unwrap();
    let decoded = codec.decoder(1).decode(&[(&codes[0], 4)]).unwrap();
    (codes, decoded)
}

fn only_file(folder: &Path) -> PathBuf {
    let files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn packed_weights_are_kept_used_and_made_again() {
    for (case, precision) in
        ["v1", "v1_sharded", "gated"].into_iter().flat_map(|c| Precision::ALL.map(|p| (c, p)))
    {
        let place = tempfile::tempdir().unwrap();
        let cache = place.path().join("packed");
        let plain = CodecOptions { precision, threads: 1, ..CodecOptions::default() };
        let options = CodecOptions { cache: Some(cache.clone()), ..plain.clone() };
        let expected = outcome(&Codec::load(&folder(case), &plain).unwrap());
        let load = || {
            let codec = Codec::load(&folder(case), &options).unwrap();
            assert!(outcome(&codec) == expected, "{case} in {precision}");
            codec
        };
        assert!(load().warnings().is_empty());
        if precision == Precision::F32 {
            assert!(!cache.exists(), "f32 is not kept");
            continue;
        }
        let path = only_file(&cache);
        let whole = fs::read(&path).unwrap();
        assert!(load().warnings().is_empty());
        assert_eq!(fs::read(&path).unwrap(), whole, "a whole file is left alone");

        for damage in ["cut", "changed", "empty"] {
            let mut bytes = whole.clone();
            match damage {
                "cut" => bytes.truncate(whole.len() / 2),
                "changed" => bytes[70] ^= 1,
                _ => bytes.clear(),
            }
            fs::write(&path, bytes).unwrap();
            let warnings = load();
            let warnings = warnings.warnings();
            assert!(matches!(warnings, [LoadWarning::NotUsed(_)]), "{damage}: {warnings:?}");
            assert!(warnings[0].to_string().contains(&path.display().to_string()));
            assert_eq!(fs::read(only_file(&cache)).unwrap(), whole, "made again");
            assert!(load().warnings().is_empty());
        }
    }
}

#[test]
fn a_model_whose_packed_weights_cannot_be_kept_runs() {
    let place = tempfile::tempdir().unwrap();
    let cache = place.path().join("file");
    fs::write(&cache, "no folder").unwrap();
    let options =
        CodecOptions { precision: Precision::Int8, cache: Some(cache), ..CodecOptions::default() };
    let codec = Codec::load(&folder("v1"), &options).unwrap();
    let warnings = codec.warnings();
    assert!(matches!(warnings.last(), Some(LoadWarning::NotKept { .. })), "{warnings:?}");
    outcome(&codec);
}

#[test]
fn loading_tells_how_far_it_is_and_can_be_stopped() {
    let place = tempfile::tempdir().unwrap();
    let options = CodecOptions {
        precision: Precision::Bf16,
        cache: Some(place.path().to_owned()),
        ..CodecOptions::default()
    };
    let stop_at = |limit: f64| {
        let last = std::sync::Mutex::new(0.0);
        let codec = Codec::load_with(&folder("v1"), &options, &|share| {
            let mut last = last.lock().unwrap();
            assert!((*last..=1.0).contains(&share));
            *last = share;
            if share > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        (codec, last.into_inner().unwrap())
    };
    let (stopped, share) = stop_at(0.3);
    assert!(matches!(stopped.err(), Some(CodecError::Cancelled)));
    assert!((0.3..0.9).contains(&share), "{share}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0, "nothing half-done is left");
    // Packed and kept, and then read.
    for _ in 0..2 {
        let (codec, share) = stop_at(2.0);
        codec.unwrap();
        assert_eq!(share, 1.0);
        only_file(place.path());
    }
}
