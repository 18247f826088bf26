//! Offline coding of a file equals streaming it, at any sample rate.

mod support;

use std::ops::ControlFlow;

use residue_engine::audio::{Audio, MonoTreatment, RateConverter};
use residue_engine::codec::Codec;
use residue_engine::offline;
use support::{codec, signal};

const DEPTH: usize = 3;

/// Streams a file through the codec in small blocks and frame by frame, followed by silence until all of its samples
/// are out.
fn streamed(codec: &Codec, audio: &Audio) -> Vec<Vec<f32>> {
    let config = codec.config();
    let (channels, frame) = (audio.channels.len(), config.frame_samples);
    let streams = channels / config.channels;
    let mut there = vec![RateConverter::new(audio.rate, config.sample_rate).unwrap(); channels];
    let mut back = vec![RateConverter::new(config.sample_rate, audio.rate).unwrap(); channels];
    let (mut encoder, mut decoder) = (codec.encoder(streams), codec.decoder(streams));
    let (mut heard, mut output) = (vec![Vec::new(); channels], vec![Vec::new(); channels]);
    let mut start = 0;
    while output[0].len() < audio.len() {
        let end = start + 441;
        for c in 0..channels {
            let given = &audio.channels[c][start.min(audio.len())..end.min(audio.len())];
            let block = [given, &vec![0.0; 441 - given.len()]].concat();
            there[c].process(&block, &mut heard[c]);
        }
        start = end;
        while heard[0].len() >= frame {
            let planes: Vec<&[f32]> = heard.iter().map(|plane| &plane[..frame]).collect();
            let codes = encoder.encode(&planes, DEPTH).unwrap();
            let lanes: Vec<_> = codes.iter().map(|codes| (codes, DEPTH)).collect();
            let decoded = decoder.decode(&lanes).unwrap().concat();
            for c in 0..channels {
                heard[c].drain(..frame);
                back[c].process(&decoded[c], &mut output[c]);
            }
        }
    }
    output.iter_mut().for_each(|plane| plane.truncate(audio.len()));
    output
}

#[test]
fn a_file_is_the_stream_followed_by_silence() {
    for case in ["v1", "nano"] {
        let codec = codec(case);
        for rate in [8_000, 24_000, 44_056, 44_100, 48_000, 96_000] {
            for length in [1, rate as usize / 25, rate as usize / 4 + 17] {
                let audio = Audio::new(rate, signal(2, length, 3));
                let mut go_on = |_| ControlFlow::Continue(());
                let treatment = MonoTreatment::Dual;
                let encoded =
                    offline::encode(&codec, &audio, DEPTH, treatment, 2, &mut go_on).unwrap();
                let decoded =
                    offline::decode(&codec, &encoded, &[DEPTH], 5, &mut go_on).unwrap().remove(0);
                assert_eq!(decoded.rate, rate);
                assert!(decoded.channels == streamed(&codec, &audio), "{case}, {rate}, {length}");
            }
        }
    }
}
