//! Models with finite weights whose output is no sound: offline coding fails in words.

mod support;

use std::ops::ControlFlow;

use residue_engine::audio::{Audio, MonoTreatment};
use residue_engine::codec::{Codec, CodecOptions};
use residue_engine::offline::{self, OfflineError};
use support::{codec, folder, signal};

/// Returns the golden model `v1`, whose weights are all f32, with every value of the tensors that begin
/// with `prefix` scaled.
fn scaled(prefix: &str, factor: f32) -> Codec {
    let config = std::fs::read_to_string(folder("v1").join("config.json")).unwrap();
    let mut bytes = std::fs::read(folder("v1").join("model.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let tensors: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let mut found = 0;
    for (name, tensor) in tensors.as_object().unwrap() {
        if !name.starts_with(prefix) || tensor["dtype"] != "F32" {
            continue;
        }
        found += 1;
        let offset = |n: usize| 8 + header + tensor["data_offsets"][n].as_u64().unwrap() as usize;
        for value in bytes[offset(0)..offset(1)].as_chunks_mut::<4>().0 {
            // Finite, however large.
            let scaled = (f32::from_le_bytes(*value) * factor).clamp(f32::MIN, f32::MAX);
            *value = scaled.to_le_bytes();
        }
    }
    assert!(found > 0, "{prefix}");
    Codec::load_from_memory(&config, &bytes, &CodecOptions::default()).unwrap()
}

fn audio(level: f32) -> Audio {
    let mut channels = signal(1, 12_000, 3);
    channels.iter_mut().flatten().for_each(|x| *x *= level);
    Audio::new(24_000, channels)
}

/// Encodes and decodes; returns what failed, if anything did.
fn roundtrip(codec: &Codec, audio: &Audio) -> Result<Audio, OfflineError> {
    let mut go_on = |_| ControlFlow::Continue(());
    let encoded = offline::encode(codec, audio, 3, MonoTreatment::Dual, 2, &mut go_on)?;
    Ok(offline::decode(codec, &encoded, &[1, 3], 2, &mut go_on)?.remove(1))
}

#[test]
fn finite_weights_that_give_no_sound_are_an_error_in_every_part() {
    assert!(roundtrip(&scaled("decoder", 1.0), &audio(1.0)).is_ok());
    for (prefix, factor) in [("encoder", 1e30), ("encoder", 1e25), ("", 1e30)] {
        match roundtrip(&scaled(prefix, factor), &audio(1.0)) {
            Err(error @ OfflineError::Latents { .. }) => {
                let told = error.to_string();
                assert!(told.contains("get the model again"), "{told}");
            }
            other => panic!("{prefix} x {factor}: {:?}", other.map(|_| ())),
        }
    }
    for factor in [1e10, 1e30] {
        match roundtrip(&scaled("decoder", factor), &audio(1.0)) {
            Err(OfflineError::Decoded { non_finite, too_loud, total, .. }) => {
                assert!(non_finite + too_loud > 0 && non_finite + too_loud <= total);
            }
            other => panic!("x {factor}: {:?}", other.map(|_| ())),
        }
    }
}

#[test]
fn loud_audio_is_coded_up_to_80_db_and_refused_beyond() {
    let codec = codec("v1");
    for level in [1e-30, 1.0, 30.0, 5e3] {
        assert!(roundtrip(&codec, &audio(level)).is_ok(), "{level}");
    }
    for level in [3e4, 1e38] {
        let refused = roundtrip(&codec, &audio(level));
        assert!(matches!(refused, Err(OfflineError::TooLoud { .. })), "{level}");
    }
}
