//! The feed reads a running port, and lets it rest.

mod support;

use residue_engine::live::{Allowance, AudioPort, PortConfig, PortControl, open_port};
use residue_ui::{CodebookStats, LiveSpectrogram, TelemetryFeed, TelemetryRequest};
use support::model::{Counting, LAYERS};

const RATE: u32 = 8000;
const FRAME: usize = 160;
const BOTH: TelemetryRequest = TelemetryRequest { lanes: true, codes: true };

/// A port that waits for its codec, so that what comes does not depend on how fast that is.
fn port() -> (AudioPort, PortControl) {
    let config = PortConfig { allowance: Allowance::Samples(0), ..PortConfig::new(RATE, 1, FRAME) };
    let (mut port, control) = open_port(&config, &Counting::new(RATE, FRAME)).expect("it opens");
    port.set_offline(true);
    (port, control)
}

/// Plays so many samples of a ramp that begins at `from`.
fn play(port: &mut AudioPort, from: usize, count: usize) {
    for start in (from..from + count).step_by(FRAME) {
        let end = (start + FRAME).min(from + count);
        let mut block: Vec<f32> = (start..end).map(|n| n as f32 / 65_536.0).collect();
        port.process(&mut [&mut block]);
    }
}

#[test]
fn lanes_and_codes_arrive_once() {
    let (mut port, control) = port();
    let mut feed = TelemetryFeed::new();
    feed.update(&control, BOTH);
    assert!(feed.is_open() && feed.samples().is_empty() && feed.frames().is_empty());
    play(&mut port, 0, 1600);
    feed.update(&control, BOTH);
    assert_eq!((feed.samples().len(), feed.gap()), (1600, 0));
    let latency = port.latency().total();
    for (n, [dry, a, b]) in feed.samples().iter().enumerate().skip(latency) {
        let expected = (n - latency) as f32 / 65_536.0;
        assert_eq!([*dry, *a, *b], [expected, 0.5 * expected, 0.25 * expected], "sample {n}");
    }
    let frames = feed.frames();
    assert_eq!((frames.streams(), frames.layers()), (1, LAYERS));
    let newest = frames.total() - 1;
    for number in 0..=newest {
        assert_eq!(frames.position(number), Some(number * FRAME as u64));
        assert_eq!(frames.code(number, 0, 2), Some(10 * number as u32 + 2));
    }
    // Lanes go out a latency after what they are made of came in.
    assert!(newest as usize * FRAME + latency >= 1600 - FRAME, "{newest}");
    feed.update(&control, BOTH);
    assert!(feed.samples().is_empty());
    assert_eq!(feed.lost(), Default::default());
}

#[test]
fn what_nobody_read_in_time_is_counted_and_never_piles_up() {
    let (mut port, control) = port();
    let mut feed = TelemetryFeed::new();
    let mut spectrogram = LiveSpectrogram::new(RATE, 8.0).unwrap();
    feed.update(&control, BOTH);
    spectrogram.update(&feed);
    // Three seconds and 150 frames: the port keeps half a second.
    play(&mut port, 0, 3 * RATE as usize);
    feed.update(&control, BOTH);
    let there = feed.samples().len() as u64;
    assert!((4000..=4400).contains(&there), "{there}");
    assert_eq!(there + feed.gap(), 24_000);
    assert_eq!(feed.lost().samples, feed.gap());
    // The spectrogram's time has gone on all the same.
    spectrogram.update(&feed);
    play(&mut port, 24_000, 800);
    feed.update(&control, BOTH);
    assert_eq!((feed.samples().len(), feed.gap()), (800, 0));
    assert_eq!(feed.lost().samples, 24_000 - there);
    // Of 400 frames, 256 are kept.
    play(&mut port, 24_800, 400 * FRAME);
    feed.update(&control, TelemetryRequest { lanes: false, codes: true });
    assert!((100..=150).contains(&feed.lost().frames), "{:?}", feed.lost());
}

#[test]
fn what_is_not_wanted_is_not_watched() {
    let (mut port, control) = port();
    let mut feed = TelemetryFeed::new();
    feed.update(&control, TelemetryRequest::default());
    assert!(!feed.is_open());
    play(&mut port, 0, 1600);
    feed.update(&control, BOTH);
    assert!(feed.samples().is_empty() && feed.frames().is_empty());
    let epoch = feed.epoch();
    play(&mut port, 1600, 320);
    feed.update(&control, TelemetryRequest { lanes: true, codes: false });
    assert_eq!(feed.samples().len(), 320);
    assert!(feed.frames().is_empty());
    feed.update(&control, TelemetryRequest::default());
    assert!(!feed.is_open() && feed.samples().is_empty());
    play(&mut port, 1920, 320);
    feed.update(&control, BOTH);
    assert!(feed.samples().is_empty() && feed.epoch() > epoch);
    feed.close();
    assert!(!feed.is_open());
}

#[test]
fn codes_of_a_running_port_have_their_entropy() {
    let (mut port, control) = port();
    let mut feed = TelemetryFeed::new();
    feed.update(&control, BOTH);
    for n in 0..16 {
        play(&mut port, n * 10 * FRAME, 10 * FRAME);
        feed.update(&control, BOTH);
    }
    let mut stats = CodebookStats::new();
    stats.update(feed.frames(), 1024);
    let usage = stats.usage().unwrap().unwrap();
    // Every code of a layer is another one: as many bits as frames can show.
    let most = (usage.frames as f64).log2();
    assert!(usage.frames >= 150, "{}", usage.frames);
    assert!(usage.layers.iter().all(|layer| (layer.entropy_bits - most).abs() < 1e-9));
}
