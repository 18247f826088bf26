//! Mapping of channels to streams and back, with a lossless codec.

use residue_media::audio::{Audio, AudioError, MonoTreatment, RateConverter, prepare_audio};

use crate::signals::{noise, sine, snr};

/// Samples of the model's frame.
const FRAME: usize = 480;

fn audio(rate: u32, channels: usize, length: usize) -> Audio {
    Audio::new(rate, (0..channels).map(|c| noise(length, c as u32 + 1)).collect())
}

#[test]
fn a_lossless_codec_returns_the_input_bit_for_bit() {
    for model_channels in [1, 2] {
        for channels in 1..=7 {
            for length in [0, 1, 5000] {
                let input = audio(48_000, channels, length);
                let prepared =
                    prepare_audio(&input, 48_000, model_channels, FRAME, MonoTreatment::Dual)
                        .unwrap();
                let streams = if model_channels == 1 { channels } else { channels.div_ceil(2) };
                assert_eq!(prepared.streams.len(), streams);
                assert!(prepared.streams.iter().all(|stream| {
                    stream.channels.len() == model_channels
                        && stream.len() == length.next_multiple_of(FRAME)
                        && stream.channels.iter().all(|c| c[length..].iter().all(|&x| x == 0.0))
                }));
                assert!(!prepared.layout.resamples());
                assert_eq!(prepared.layout.restore(&prepared.streams).unwrap(), input);
            }
        }
    }
}

#[test]
fn a_lossless_codec_returns_resampled_input_within_the_filters_error() {
    for (rate, model_rate) in
        [(44_100, 48_000), (44_100, 24_000), (96_000, 24_000), (8_000, 48_000), (768_000, 24_000)]
    {
        for (channels, model_channels) in [(1, 1), (2, 1), (2, 2), (3, 2)] {
            let length = rate as usize / 2 + 17;
            let input = Audio::new(rate, vec![sine(rate, 997.0, 0.5, length); channels]);
            let prepared =
                prepare_audio(&input, model_rate, model_channels, FRAME, MonoTreatment::Dual)
                    .unwrap();
            assert!(prepared.layout.resamples());
            assert!(prepared.streams.iter().all(|s| s.rate == model_rate && s.len() % FRAME == 0));
            let output = prepared.layout.restore(&prepared.streams).unwrap();
            assert_eq!(
                (output.rate, output.channels.len(), output.len()),
                (rate, channels, length)
            );
            for (input, output) in input.channels.iter().zip(&output.channels) {
                let part = length / 4..length * 3 / 4;
                let ratio = snr(&input[part.clone()], &output[part]);
                assert!(ratio > 110.0, "{rate} -> {model_rate}: {ratio}");
            }
        }
    }
    // A handful of samples still reach the model and come back as many.
    let input = audio(768_000, 2, 10);
    let prepared = prepare_audio(&input, 24_000, 1, FRAME, MonoTreatment::Dual).unwrap();
    assert_eq!(prepared.streams[0].len(), FRAME);
    assert_eq!(prepared.layout.restore(&prepared.streams).unwrap().len(), 10);
}

/// Converts one channel to the model's rate and back, block by block and followed by silence, as the live path does.
/// Returns as many samples as went in, and the model's input.
fn live(input: &[f32], rate: u32, model_rate: u32) -> (Vec<f32>, Vec<f32>) {
    let mut there = RateConverter::new(rate, model_rate).unwrap();
    let mut back = RateConverter::new(model_rate, rate).unwrap();
    let (mut heard, mut framed, mut output) = (Vec::new(), 0, Vec::new());
    let mut blocks = input.chunks(97);
    while output.len() < input.len() {
        let mut block = blocks.next().unwrap_or(&[]).to_vec();
        block.resize(97, 0.0);
        there.process(&block, &mut heard);
        while heard.len() >= framed + FRAME {
            back.process(&heard[framed..framed + FRAME], &mut output);
            framed += FRAME;
        }
    }
    output.truncate(input.len());
    heard.truncate(framed);
    (output, heard)
}

#[test]
fn files_equal_the_live_path_bit_for_bit() {
    for rate in [8_000, 11_025, 44_056, 44_100, 47_999, 48_000, 96_000, 768_000] {
        for model_rate in [24_000, 48_000] {
            for length in [1, 10, 479, 481, 7013] {
                let input = audio(rate, 1, length);
                let prepared =
                    prepare_audio(&input, model_rate, 1, FRAME, MonoTreatment::Dual).unwrap();
                let restored = prepared.layout.restore(&prepared.streams).unwrap();
                let (output, heard) = live(&input.channels[0], rate, model_rate);
                let case = format!("{rate}, {model_rate}, {length}");
                assert!(restored.channels[0] == output, "{case}");
                // No frame too few, and none too many.
                assert!(prepared.streams[0].channels[0] == heard, "{case}");
            }
        }
    }
}

#[test]
fn mid_is_the_mean_on_both_channels() {
    let input = audio(24_000, 2, 1000);
    let prepared = prepare_audio(&input, 24_000, 1, FRAME, MonoTreatment::Mid).unwrap();
    assert_eq!(prepared.streams.len(), 1);
    let output = prepared.layout.restore(&prepared.streams).unwrap();
    assert_eq!(output.channels[0], output.channels[1]);
    for n in 0..1000 {
        let mean = (input.channels[0][n] + input.channels[1][n]) / 2.0;
        assert_eq!(output.channels[0][n], mean);
    }
    assert!(prepared.layout.to_string().contains("mid"));
    // Only stereo has a mid: mono and surround keep their channels.
    for channels in [1, 3] {
        let input = audio(24_000, channels, 100);
        let prepared = prepare_audio(&input, 24_000, 1, FRAME, MonoTreatment::Mid).unwrap();
        assert_eq!(prepared.layout.restore(&prepared.streams).unwrap(), input);
    }
}

#[test]
fn mono_on_a_stereo_model_is_doubled_and_averaged() {
    let input = audio(48_000, 1, FRAME);
    let prepared = prepare_audio(&input, 48_000, 2, FRAME, MonoTreatment::Dual).unwrap();
    assert_eq!(prepared.streams[0].channels, [&input.channels[0][..], &input.channels[0]]);
    let mut decoded = prepared.streams.clone();
    decoded[0].channels[0].fill(0.5);
    decoded[0].channels[1].fill(-0.25);
    let output = prepared.layout.restore(&decoded).unwrap();
    assert!(output.channels[0].iter().all(|&x| x == 0.125));
    assert!(prepared.layout.to_string().contains("average"));
}

#[test]
fn decoded_streams_may_be_longer_but_not_shorter() {
    let input = audio(48_000, 2, 5000);
    let prepared = prepare_audio(&input, 48_000, 2, FRAME, MonoTreatment::Dual).unwrap();
    let mut padded = prepared.streams.clone();
    padded[0].channels.iter_mut().for_each(|channel| {
        channel[5000..].fill(9.0);
        channel.resize(2 * 3840, 9.0);
    });
    assert_eq!(prepared.layout.restore(&padded).unwrap(), input);

    let refused = |decoded: &[Audio]| {
        matches!(prepared.layout.restore(decoded), Err(AudioError::Restore { .. }))
    };
    let short = audio(48_000, 2, 4999);
    assert!(refused(&[short]));
    assert!(refused(&[]));
    assert!(refused(&[audio(24_000, 2, 5000)]));
    assert!(refused(&[audio(48_000, 1, 5000)]));
    let mut ragged = prepared.streams.clone();
    ragged[0].channels[1].truncate(10);
    assert!(refused(&ragged));
}

#[test]
fn buffers_and_models_that_do_not_fit_are_refused() {
    let none = Audio::new(48_000, vec![]);
    let ragged = Audio::new(48_000, vec![vec![0.0; 3], vec![0.0; 4]]);
    for input in [none, ragged] {
        let error = prepare_audio(&input, 48_000, 1, FRAME, MonoTreatment::Dual).unwrap_err();
        assert!(matches!(error, AudioError::Buffer { .. }), "{error}");
    }
    for channels in [0, 3] {
        let error =
            prepare_audio(&audio(48_000, 1, 1), 48_000, channels, FRAME, MonoTreatment::Dual);
        assert!(matches!(error, Err(AudioError::ModelChannels { .. })));
    }
    assert!(prepare_audio(&audio(0, 1, 1), 48_000, 1, FRAME, MonoTreatment::Dual).is_err());
    assert!(prepare_audio(&audio(48_000, 1, 1), 0, 1, FRAME, MonoTreatment::Dual).is_err());
}
