//! Codes and audio of the published implementation, from golden files.
//!
//! `tests/golden/make_golden.py` ran the reference on miniature checkpoints of every layout.

mod support;

use residue_engine::codec::CodecBackend;
use support::{BACKENDS, CASES, codec_on, difference, golden, padded, peak, slices};

/// Where the reference's best and second-best candidates are closer than this, rounding may decide.
const CODE_MARGIN: f32 = 1e-4;
/// Audio tolerance, relative to the reference's peak.
const AUDIO: f32 = 1e-4;

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
        assert!(error < AUDIO, "{backend:?}, {case}: latents differ by {error} of their peak");
    }
}

#[test]
fn codes_are_the_references() {
    for (backend, case) in runs() {
        let codec = codec_on(&backend, case);
        let golden = golden(case);
        let planes = padded(&golden.audio, codec.config().frame_samples);
        let depth = golden.codes.layers();
        let codes = codec.encoder(1).encode(&slices(&planes), depth).unwrap().remove(0);
        assert_eq!(codes.layers(), golden.codes.layers(), "{backend:?}, {case}");
        assert_eq!(codes.frames(), golden.codes.frames(), "{backend:?}, {case}");
        let mut decided = 0;
        for (i, (ours, theirs)) in codes.data().iter().zip(golden.codes.data()).enumerate() {
            if golden.margin[i] > CODE_MARGIN {
                let (layer, frame) = (i / codes.frames(), i % codes.frames());
                assert_eq!(ours, theirs, "{backend:?}, {case}: layer {layer}, frame {frame}");
                decided += 1;
            }
        }
        assert!(
            decided * 100 >= codes.data().len() * 95,
            "{backend:?}, {case}: too few codes are decided"
        );
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
                error < AUDIO,
                "{backend:?}, {case} at depth {depth}: audio differs by {error} of its peak"
            );
        }
    }
}
