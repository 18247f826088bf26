//! Codes: of a file, and as they arrive.

use crossbeam_channel::unbounded;
use residue_app::studio::{InputKind, Severity};
use residue_engine::live::ListeningSource;
use residue_engine::tokens::{Codes, npy};

use super::harness::{
    BLOCK, FRAME, RATE, StudioHarness, codec, differs, roundtrip, settings, voice,
};

fn codes(frames: usize) -> Codes {
    roundtrip(RATE, &[voice(RATE, frames * FRAME, 1)], &[1]).0.remove(0)
}

fn decoded(codes: &Codes, depth: usize) -> Vec<f32> {
    codec().decoder(1).decode(&[(codes, depth)]).unwrap().remove(0).remove(0)
}

/// A file of codes is heard at both depths, from any place, with its parts repeating by frames.
#[test]
fn a_file_of_codes_is_heard_at_any_depth() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::A, [16, 3])
    });
    let codes = codes(120);
    let path = harness.path("codes.npy");
    npy::write(&path, &codes).unwrap();
    harness.studio.open_tokens(path);
    harness.until("the codes open", |studio| studio.token_file().is_some());
    let file = harness.studio.token_file().unwrap();
    assert_eq!((file.layers, file.frames), (32, 120));
    assert!((file.seconds - 1.2).abs() < 1e-9);
    assert_eq!(harness.studio.input(), InputKind::Tokens);
    harness.studio.start();
    harness.ready();
    let latency = harness.latency();
    let length = 120 * FRAME;
    harness.studio.play();
    let half = 70 * BLOCK;
    let mut heard = harness.play(half);
    harness.studio.set_settings(settings(ListeningSource::B, [16, 3]));
    let rest = harness.play(latency + length - half + 2 * BLOCK);
    heard.iter_mut().zip(rest).for_each(|(heard, rest)| heard.extend(rest));
    let (a, b) = (decoded(&codes, 16), decoded(&codes, 3));
    for heard in &heard {
        assert_eq!(differs(&heard[latency..half], &a[..half - latency]), None);
        let faded = half + 240;
        assert_eq!(differs(&heard[faded..latency + length], &b[faded - latency..]), None);
        assert!(heard[latency + length..].iter().all(|x| *x == 0.0));
    }
    assert!(!harness.studio.transport().unwrap().playing);
    assert_eq!(harness.studio.token_progress().unwrap().heard, 120);

    // Frames 10 to 13 repeat.
    let frame = |n: usize| n as f64 * 0.01;
    harness.studio.set_loop(Some((frame(10) + 0.002, frame(13) - 0.002)));
    harness.studio.seek(frame(10) + 0.006);
    harness.studio.play();
    let heard = harness.play(latency + 9 * FRAME)[0].clone();
    let order: Vec<Codes> = (0..9).map(|n| codes.slice(10 + n % 3..11 + n % 3)).collect();
    let expected = decoded(&Codes::concat(32, &order), 3);
    let fade = 120;
    assert_eq!(differs(&heard[latency + fade..latency + 9 * FRAME], &expected[fade..]), None);
}

/// Codes of another model are refused, and what played goes on.
#[test]
fn codes_of_another_model_are_refused() {
    let mut harness = StudioHarness::new(RATE, |options| {
        options.settings = settings(ListeningSource::Dry, [8, 2])
    });
    let input = voice(RATE, 30_000, 2);
    let path = harness.file("voice.wav", RATE, std::slice::from_ref(&input));
    harness.open(&path);
    harness.studio.play();
    let latency = harness.latency();
    // Beyond the latency, which is longer on a busy machine.
    harness.play(60 * BLOCK);
    let wrong = harness.path("wrong.npy");
    npy::write(&wrong, &Codes::new(1, 3, vec![1, 2, 5000])).unwrap();
    harness.studio.open_tokens(wrong);
    harness.notice(Severity::Error, "5000");
    harness.until("opening ends", |studio| !studio.is_opening());
    let heard = harness.play(10 * BLOCK)[0].clone();
    let from = 60 * BLOCK - latency;
    assert_eq!(differs(&heard, &input[from..from + 10 * BLOCK]), None);
    assert_eq!(harness.studio.input(), InputKind::File);
}

/// Frames are heard as they arrive, silence fills the gaps, and depth changes while they come.
#[test]
fn a_stream_of_codes_is_heard_as_it_arrives() {
    let mut harness =
        StudioHarness::new(RATE, |options| options.settings = settings(ListeningSource::A, [8, 2]));
    let codes = codes(40);
    let (sender, receiver) = unbounded::<Vec<u32>>();
    harness.studio.stream_tokens(Box::new(move || receiver.recv().ok().map(Ok)));
    harness.until("it is there", |studio| studio.token_progress().is_some());
    assert!(harness.studio.transport().is_none());
    harness.studio.start();
    harness.ready();
    harness.play(10 * BLOCK);
    (0..25).for_each(|frame| sender.send(codes.frame(frame)).unwrap());
    harness.until("frames wait", |studio| {
        let progress = studio.token_progress().unwrap();
        progress.waiting + progress.heard as usize == 25
    });
    let mut heard = harness.play(60 * BLOCK)[0].clone();
    let progress = harness.studio.token_progress().unwrap();
    assert_eq!((progress.heard, progress.gaps, progress.finished), (25, 1, false));
    (25..40).for_each(|frame| sender.send(codes.frame(frame)).unwrap());
    drop(sender);
    harness.until("it ends", |studio| studio.token_progress().unwrap().finished);
    heard.extend_from_slice(&harness.play(60 * BLOCK)[0]);
    let progress = harness.studio.token_progress().unwrap();
    assert_eq!((progress.heard, progress.waiting, progress.gaps), (40, 0, 1));
    // Both parts are there in full, with silence around them.
    let expected = decoded(&codes, 8);
    let mut at = 0;
    for part in [&expected[..25 * FRAME], &expected[25 * FRAME..]] {
        let begin = at + heard[at..].iter().position(|x| *x != 0.0).unwrap();
        let skipped = part.iter().position(|x| *x != 0.0).unwrap();
        let begin = begin - skipped;
        assert_eq!(differs(&heard[begin..begin + part.len()], part), None);
        at = begin + part.len();
        assert!(heard[at..at + BLOCK].iter().all(|x| *x == 0.0));
    }
    assert!(heard[at..].iter().all(|x| *x == 0.0));
}

/// A frame that is none ends the stream with a word.
#[test]
fn nonsense_ends_a_stream_with_a_word() {
    let mut harness = StudioHarness::new(RATE, |_| ());
    let mut frames = vec![Err("line 3: `x` is no number".into()), Ok(vec![1, 2, 3])];
    harness.studio.stream_tokens(Box::new(move || frames.pop()));
    harness.notice(Severity::Error, "line 3");
    assert!(harness.studio.token_progress().unwrap().finished);
    let mut frames = vec![Ok(vec![70_000])];
    harness.studio.stream_tokens(Box::new(move || frames.pop()));
    harness.notice(Severity::Error, "70000");
}
