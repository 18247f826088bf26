//! Latents, codes and audio of the published implementation, from golden files.
//!
//! `tests/golden/make_golden.py` ran the reference on miniature checkpoints of every layout.

mod support;

use residue_engine::codec::{CodecBackend, Latents};
use support::{BACKENDS, CASES, Golden, codec_on, difference, golden, padded, peak, slices};

/// Largest difference of latents and audio from the reference's, relative to the reference's peak. README
/// promises this number.
const TOLERANCE: f32 = 2e-6;
/// Margin between the best and the second-best squared distance of unit vectors, below which rounding may
/// decide a code. A relative error e of the vector that is quantized moves the margin by at most 4 e; latents
/// within [`TOLERANCE`] leave e below 2.5e-5 where the residual is a tenth of them.
const UNDECIDED_MARGIN: f32 = 1e-4;
/// Codes of each case that are undecided, and may therefore differ.
const UNDECIDED_CODES: usize = 0;

fn runs() -> impl Iterator<Item = (CodecBackend, &'static str)> {
    BACKENDS.into_iter().flat_map(|backend| CASES.map(|case| (backend.clone(), case)))
}

#[test]
fn latents_are_the_references() {
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let golden = golden(case);
        let planes = padded(&golden.audio, codec.config().frame_samples);
        let latents = codec.encoder(1).latents(&slices(&planes)).unwrap().remove(0);
        let frames = latents.frames();
        let rows: Vec<Vec<f32>> = (0..latents.width)
            .map(|d| (0..frames).map(|t| latents.data[t * latents.width + d]).collect())
            .collect();
        let error = difference(&rows, &golden.latent) / peak(&golden.latent);
        println!("{backend:?}, {case}: latents within {error:.1e} of peak");
        assert!(error < TOLERANCE, "{backend:?}, {case}: latents differ by {error:e} of peak");
    }
}

/// Prints the margins of a case and checks that no code of it is undecided.
fn check_margins(case: &str, golden: &Golden) {
    let least = golden.margin.iter().copied().fold(f32::INFINITY, f32::min);
    let undecided = golden.margin.iter().filter(|margin| **margin < UNDECIDED_MARGIN).count();
    let codes = golden.margin.len();
    println!("{case}: {undecided} of {codes} codes are undecided, smallest margin {least:.1e}");
    assert_eq!(codes, golden.codes.data().len(), "{case}");
    assert_eq!(undecided, UNDECIDED_CODES, "{case}: smallest margin {least:e}");
}

#[test]
fn codes_are_the_references() {
    for case in CASES {
        check_margins(case, &golden(case));
    }
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let golden = golden(case);
        let planes = padded(&golden.audio, codec.config().frame_samples);
        let depth = golden.codes.layers();
        let codes = codec.encoder(1).encode(&slices(&planes), depth).unwrap().remove(0);
        assert_eq!(codes, golden.codes, "{backend:?}, {case}");
    }
}

#[test]
fn the_references_latents_give_its_codes() {
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let golden = golden(case);
        let (width, frames) = (golden.latent.len(), golden.codes.frames());
        let data = (0..frames).flat_map(|t| golden.latent.iter().map(move |row| row[t])).collect();
        let latents = Latents { width, data };
        let codes = codec.quantizer().quantize(&latents, golden.codes.layers()).unwrap();
        assert_eq!(codes, golden.codes, "{backend:?}, {case}");
    }
}

#[test]
fn audio_is_the_references() {
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let golden = golden(case);
        for (depth, expected) in
            [(golden.codes.layers(), &golden.decoded), (2, &golden.decoded_depth2)]
        {
            let audio = codec.decoder(1).decode(&[(&golden.codes, depth)]).unwrap().remove(0);
            let error = difference(&audio, expected) / peak(expected);
            println!("{backend:?}, {case} at depth {depth}: audio within {error:.1e} of peak");
            assert!(
                error < TOLERANCE,
                "{backend:?}, {case} at depth {depth}: audio differs by {error:e} of peak"
            );
        }
    }
}
