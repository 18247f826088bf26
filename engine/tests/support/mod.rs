//! Golden cases and seeded signals for the codec's tests.

#![allow(dead_code, reason = "each test crate uses a part")]

pub mod stored_model;

use std::path::{Path, PathBuf};

use residue_engine::codec::{Codec, CodecBackend, CodecOptions, Device};
use residue_engine::tokens::Codes;
use residue_engine_testing::SeededNoise;
use safetensors::{Dtype, SafeTensors};

pub const CASES: [&str; 5] = ["v1", "v2", "nano", "gated", "v1_sharded"];

/// Returns the folder of a golden case.
pub fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(case)
}

/// Both backends: the native kernels, and candle as their oracle.
pub const BACKENDS: [CodecBackend; 2] = [CodecBackend::Native, CodecBackend::Candle(Device::Cpu)];

pub fn codec_on(backend: &CodecBackend, case: &str) -> Codec {
    let options = CodecOptions { backend: backend.clone(), ..CodecOptions::default() };
    Codec::load(&folder(case), &options).unwrap()
}

pub fn codec(case: &str) -> Codec {
    codec_on(&CodecBackend::Native, case)
}

/// Largest difference of candle's audio between two chunkings; full scale is 1.
const CANDLE_AUDIO: f32 = 1e-5;

/// Asserts that two sets of planes, of one stream in two chunkings, are bit-identical (native) or equal within
/// rounding (candle).
#[track_caller]
pub fn assert_same(backend: &CodecBackend, a: &[Vec<f32>], b: &[Vec<f32>]) {
    let error = difference(a, b);
    match backend {
        CodecBackend::Native => {
            let bits = |planes: &[Vec<f32>]| -> Vec<u32> {
                planes.iter().flatten().map(|x| x.to_bits()).collect()
            };
            assert!(bits(a) == bits(b), "not the same bits: differs by {error:e}");
        }
        CodecBackend::Candle(_) => assert!(error < CANDLE_AUDIO, "differs by {error:e}"),
    }
}

/// The reference's results for a case; see `tests/golden/README.md`.
pub struct Golden {
    pub audio: Vec<Vec<f32>>,
    pub codes: Codes,
    pub margin: Vec<f32>,
    pub latent: Vec<Vec<f32>>,
    pub decoded: Vec<Vec<f32>>,
    pub decoded_depth2: Vec<Vec<f32>>,
}

pub fn golden(case: &str) -> Golden {
    let bytes = std::fs::read(folder(case).join("golden.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let rows = |name: &str| {
        let tensor = file.tensor(name).unwrap();
        assert_eq!(tensor.dtype(), Dtype::F32);
        let values: Vec<f32> =
            tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        values.chunks_exact(tensor.shape()[1]).map(<[f32]>::to_vec).collect::<Vec<_>>()
    };
    let codes = file.tensor("codes").unwrap();
    assert_eq!(codes.dtype(), Dtype::I64);
    let values = codes.data().as_chunks::<8>().0.iter();
    let values = values.map(|b| u32::try_from(i64::from_le_bytes(*b)).unwrap()).collect();
    Golden {
        audio: rows("audio"),
        codes: Codes::new(codes.shape()[0], codes.shape()[1], values),
        margin: rows("margin").concat(),
        latent: rows("latent"),
        decoded: rows("decoded"),
        decoded_depth2: rows("decoded_depth2"),
    }
}

/// Returns planes padded with silence to whole frames.
pub fn padded(planes: &[Vec<f32>], frame: usize) -> Vec<Vec<f32>> {
    planes
        .iter()
        .map(|plane| {
            let mut plane = plane.clone();
            plane.resize(plane.len().next_multiple_of(frame), 0.0);
            plane
        })
        .collect()
}

pub fn slices(planes: &[Vec<f32>]) -> Vec<&[f32]> {
    planes.iter().map(Vec::as_slice).collect()
}

/// Returns the largest magnitude.
pub fn peak(planes: &[Vec<f32>]) -> f32 {
    planes.iter().flatten().fold(0.0, |peak, x| peak.max(x.abs()))
}

/// Returns the largest difference between two sets of planes of equal lengths.
pub fn difference(a: &[Vec<f32>], b: &[Vec<f32>]) -> f32 {
    assert_eq!(a.len(), b.len(), "planes");
    let mut largest = 0f32;
    for (a, b) in a.iter().zip(b) {
        assert_eq!(a.len(), b.len(), "samples");
        for (a, b) in a.iter().zip(b) {
            assert!(a.is_finite() && b.is_finite());
            largest = largest.max((a - b).abs());
        }
    }
    largest
}

/// Returns seeded noise and two tones under a slow swell, in which every frame differs from every other.
pub fn signal(channels: usize, samples: usize, seed: u32) -> Vec<Vec<f32>> {
    (0..channels as u32)
        .map(|c| {
            let mut noise = SeededNoise::new(seed.wrapping_mul(747_796_405).wrapping_add(c + 1));
            (0..samples)
                .map(|n| {
                    let noise = noise.sample();
                    let t = n as f32 / 24_000.0;
                    let swell = 0.5 + 0.4 * (t * 7.0 + c as f32).sin();
                    swell * (0.2 * noise + 0.4 * (t * 2_700.0).sin() + 0.2 * (t * 900.0).cos())
                })
                .collect()
        })
        .collect()
}
