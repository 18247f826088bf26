//! The comparison with the reference implementation: it confirms the golden models and the embedded one, and finds a
//! model that differs.

mod support;

use std::ops::ControlFlow;

use residue_engine::audio::Audio;
use residue_engine::codec::{Codec, CodecOptions, Precision};
use residue_engine::exactness::{ReferenceAgreement, ReferenceRun};
use residue_engine::models;
use safetensors::Dtype;
use support::stored_model::StoredModel;
use support::{CASES, codec, folder, signal};

const GO: fn(f64) -> ControlFlow<()> = |_| ControlFlow::Continue(());

fn reference_options() -> CodecOptions {
    CodecOptions::reference(1).expect("tests are built with the reference implementation")
}

fn audio(codec: &Codec, frames: usize) -> Audio {
    let config = codec.config();
    let channels = signal(config.channels, frames * config.frame_samples + 100, 3);
    Audio { rate: config.sample_rate, channels, ..Audio::silence(config.sample_rate, 1, 0) }
}

fn compare(run: &ReferenceRun, codec: &Codec) -> ReferenceAgreement {
    run.compare(codec, 3, &mut { GO }).unwrap()
}

#[test]
fn golden_models_give_all_codes_of_the_reference() {
    for case in CASES {
        let native = codec(case);
        let reference = Codec::load(&folder(case), &reference_options()).unwrap();
        let run = ReferenceRun::new(&reference, &audio(&native, 12), 4, &mut { GO }).unwrap();
        let found = compare(&run, &native);
        assert!(found.is_exact(), "{case}: {found:?}");
        assert_eq!(found.frames, 13, "{case}");
        assert!(found.latent_error < 5e-6 && found.audio_error < 5e-6, "{case}: {found:?}");
        let (codes, undecided) = run.codes();
        assert_eq!(codes, 13 * native.config().quantizer.layers, "{case}");
        assert!(undecided * 50 < codes, "{case}: {undecided} of {codes}");
    }
}

#[test]
fn the_embedded_model_is_exact_in_f32_and_close_in_int8() {
    let model = models::embedded();
    let load = |options: &CodecOptions| {
        Codec::load_from_memory(model.config, model.weights, options).unwrap()
    };
    let native = load(&CodecOptions::default());
    let run = ReferenceRun::new(&load(&reference_options()), &audio(&native, 200), 50, &mut { GO })
        .unwrap();
    let found = compare(&run, &native);
    println!("f32: {found:?}");
    assert!(found.is_exact(), "{found:?}");
    assert!(found.agreement() > 0.99, "{found:?}");
    let int8 = load(&CodecOptions { precision: Precision::Int8, ..CodecOptions::default() });
    let found = compare(&run, &int8);
    assert!(!found.is_exact() && found.agreement() < 0.99, "{found:?}");
    assert!(found.latent_error > 1e-4 && found.audio_error > 1e-4, "{found:?}");
}

#[test]
fn a_model_that_differs_is_found() {
    let model = StoredModel::golden("v1");
    let mut changed = model.clone();
    // One weight of the encoder's last stage.
    let name = "encoder.7.transformer.layers.0.linear1.weight";
    changed.tensors.get_mut(name).unwrap().values[5] += 0.5;
    let files = changed.write("model.safetensors", Dtype::F32);
    let other = Codec::load(files.path(), &CodecOptions::default()).unwrap();
    let reference = Codec::load(&folder("v1"), &reference_options()).unwrap();
    let run = ReferenceRun::new(&reference, &audio(&other, 60), 8, &mut { GO }).unwrap();
    let found = compare(&run, &other);
    assert!(!found.is_exact() && found.different_frames > 0, "{found:?}");
    assert!(found.latent_error > 1e-4, "{found:?}");
    assert_eq!(
        found.audio_error,
        compare(&run, &codec("v1")).audio_error,
        "the decoder is the same"
    );
}

#[test]
fn margins_tell_which_codes_are_decided() {
    let codec = codec("v1");
    let golden = support::golden("v1");
    let width = golden.latent.len();
    let frames = golden.codes.frames();
    let data = (0..frames).flat_map(|t| golden.latent.iter().map(move |row| row[t])).collect();
    let latents = residue_engine::codec::Latents { width, data };
    let margins = codec.quantizer().margins(&latents, golden.codes.layers()).unwrap();
    assert_eq!(margins.len(), golden.margin.len());
    for (found, expected) in margins.iter().zip(&golden.margin) {
        assert!((found - expected).abs() < 2e-4, "{found}, the published code has {expected}");
    }
}
