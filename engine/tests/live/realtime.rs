//! What the audio thread must never do.

use residue_engine::audio::RateConverter;

use super::chaos;
use super::guard::without_allocation;

/// Nothing a port does allocates or frees, whatever happens around it.
#[test]
fn the_audio_thread_never_allocates() {
    let mut late = 0;
    let mut dropped = 0;
    for seed in 0..12 {
        let status = chaos::play(seed, true, &without_allocation);
        late += status.late_frames;
        dropped += status.dropped_samples;
    }
    assert!(late > 0 && dropped > 0, "overload was part of it: {late} frames, {dropped} samples");
}

/// A converter keeps to the room that it was given.
#[test]
fn a_converter_never_allocates_within_its_bound() {
    for (from, to) in [(44_100, 48_000), (48_000, 24_000), (8000, 96_000), (24_000, 24_000)] {
        let mut converter = RateConverter::new(from, to).expect("the rates are supported");
        let input = [0.3; 700];
        let mut output = Vec::with_capacity(converter.max_output(input.len()));
        for count in (0..input.len()).step_by(23) {
            output.clear();
            without_allocation(&mut || converter.process(&input[..count], &mut output));
        }
        without_allocation(&mut || converter.reset());
    }
}

/// The guard itself.
#[test]
#[should_panic(expected = "called the allocator")]
fn an_allocation_is_found() {
    without_allocation(&mut || drop(std::hint::black_box(vec![0u8; 100])));
}
