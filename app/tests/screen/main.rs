//! The real window on a screen without a graphics card, with real keys, over a JACK server without a
//! sound card: what comes out is the codec's own, sample for sample, and a change of depth is where the
//! key was pressed.

#![cfg(all(target_os = "linux", feature = "jack"))]

mod desktop;
#[path = "../listen/probe.rs"]
mod probe;
#[path = "../listen/server.rs"]
#[allow(dead_code, reason = "nothing freezes here")]
mod server;

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use desktop::Screen;
use probe::{Probe, Recording};
use residue_engine::audio;
use residue_engine::codec::{Codec, CodecOptions};
use residue_engine::live::LevelGuard;
use residue_engine::models;
use residue_engine::tokens::Codes;
use server::{PERIOD, Server, Turn};

/// The embedded model's own, so that nothing is resampled.
const RATE: u32 = 24_000;
/// Samples of a frame of the embedded model.
const FRAME: usize = 240;
/// Layers before and after the key.
const DEPTHS: [usize; 2] = [4, 8];
/// Samples of the join between two depths.
const JOIN: usize = RATE as usize / 200;
/// How long each period is held up: three times what it lasts, so that no frame is late on a busy machine
/// and keys have time to arrive.
const PAUSE: Duration = Duration::from_millis(3 * 1000 * PERIOD as u64 / RATE as u64);
/// Frames for which a key is waited for: six seconds.
const TAKEN: usize = RATE as usize * 3 / 2;
/// Samples that must be the same at the end of the recording to know how late it is.
const KNOWN: usize = 4000;

/// The program, killed if it is still there when the test ends.
struct RunningApp(Child);

impl Drop for RunningApp {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Frames of the probe at which something was done.
struct Moments {
    connected: usize,
    /// A key for another depth, and one for the original.
    depth: usize,
    dry: usize,
    /// How much later what is heard is than what was sent.
    late: usize,
}

#[test]
fn a_clip_through_the_window_is_the_codecs_and_depth_changes_where_the_key_was_pressed() {
    // SAFETY: no other thread of this test program runs yet that reads the environment.
    let turn = unsafe { Turn::take() };
    let server = Server::start(&turn, RATE, Duration::from_secs(10));
    let screen = Screen::start();
    let (recording, moments, app) = perform(&server, &screen);
    assert_eq!(recording.missed, 0, "the server left out periods: {}", server.log());
    // In this order: the server ends well while its clients live.
    drop(server);
    drop(app);
    compare(&recording, &moments);
}

/// Plays the clip through the window and presses the keys; the program still runs.
fn perform(server: &Server, screen: &Screen) -> (Recording, Moments, RunningApp) {
    let home = server.path("home");
    fs::create_dir_all(&home).unwrap();
    let preferences = r#"{
        "devices": {"host": "JACK"},
        "model": {"id": "embedded", "precision": "f32", "threads": 1},
        "heard": {"source": "A", "depths": [4, 1]},
        "views": {"spectrograms": [false, false, false, false], "tokens": false}
    }"#;
    fs::write(home.join("window.json"), preferences).unwrap();
    let clip = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/clips/speech.flac");
    let clip = audio::resample(&audio::read(clip.as_ref()).unwrap().audio, RATE).unwrap();
    // Longer than the test, however long keys take on a busy machine.
    let clip = clip.channels[0].repeat(20);
    let probe = Probe::with_pause([clip.clone(), clip], PAUSE);

    let log = fs::File::create(server.path("residue.log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_residue"));
    screen.show(&mut command);
    command.env("RESIDUE_HOME", &home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let app = RunningApp(command.spawn().unwrap());
    screen.focus("Residue");
    screen.press("space");
    probe.connect();
    let connected = probe.now();
    screen.press("m");
    // The codec's output for silence is not silent.
    probe.find("sound is on", |recording| {
        recording.heard[0].iter().any(|x| *x != 0.0).then_some(())
    });
    probe.wait(RATE as usize / 4);
    probe.go();
    probe.wait(RATE as usize * 5 / 4);
    let depth = probe.now();
    screen.press("8");
    probe.wait(TAKEN);
    let dry = probe.now();
    screen.press("d");
    let late = probe.find("the end is dry", lateness);
    let recording = probe.finish();
    (recording, Moments { connected, depth, dry, late }, app)
}

fn compare(recording: &Recording, moments: &Moments) {
    let (sent, heard) = (&recording.sent[0], &recording.heard[0]);
    let late = moments.late;
    let model = models::embedded();
    let options = CodecOptions { threads: 2, ..CodecOptions::default() };
    let codec = Codec::load_from_memory(model.config, model.weights, &options).unwrap();

    // Where the port began is not told; it was a whole number of periods from where it was connected.
    let began = (0..400)
        .flat_map(|n| [moments.connected + n * PERIOD, moments.connected.wrapping_sub(n * PERIOD)]);
    // A source is changed where it is heard, which is later than where it was sent.
    let end = moments.dry - late;
    let until = recording.start + RATE as usize / 4;
    let begins = |begin: &usize| {
        *begin < recording.start && {
            let expected = through(&codec, &sent[*begin..until], usize::MAX);
            let from = recording.start - begin;
            let heard = &heard[begin + late..];
            (from..expected.len() - FRAME).all(|n| near(heard[n], expected[n]))
        }
    };
    let begin = began.into_iter().find(begins).expect("a beginning from which all is the codec's");

    let input = &sent[begin..end];
    let heard = &heard[begin + late..][..input.len() - input.len() % FRAME];
    let from = recording.start - begin;
    let shallow = through(&codec, input, usize::MAX);
    let differs = (from..heard.len()).find(|n| !near(heard[*n], shallow[*n]));
    let differs = differs.expect("the key changed something");
    // The first sample that differs may lie a little behind the frame's first.
    let switch = differs / FRAME;
    let expected = through(&codec, input, switch);
    // The step between two depths is spread over 5 ms, so that nothing clicks.
    let join = switch * FRAME..switch * FRAME + JOIN;
    let wrong =
        (from..heard.len()).filter(|n| !join.contains(n)).find(|n| !near(heard[*n], expected[*n]));
    assert_eq!(wrong, None, "from frame {switch} on, depth {}", DEPTHS[1]);

    // Frames that had been sent when the key came were still to be decoded.
    let at = begin + switch * FRAME;
    let first = moments.depth - late;
    assert!(at >= first, "the depth changed at {at}, the key came at {}", moments.depth);
}

/// Whether two samples are the same but for a volume of 0 dB.
fn near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-6
}

/// How much later what is heard is than what was sent, from the end of both, if that is dry and no pause.
fn lateness(recording: &Recording) -> Option<usize> {
    let (sent, heard) = (&recording.sent[0], &recording.heard[0]);
    let tail = &heard[heard.len() - KNOWN..];
    let same = |late: &usize| {
        let sent = &sent[sent.len() - KNOWN - late..][..KNOWN];
        sent.iter().zip(tail).all(|(sent, heard)| near(*sent, *heard))
    };
    let is_loud = tail.iter().any(|x| x.abs() > 0.05);
    (0..heard.len() / 2).find(same).filter(|_| is_loud)
}

/// Returns the codec's output for a signal: the first depth before this frame, the second from it on. It is limited at
/// full scale, as every output device is.
fn through(codec: &Codec, signal: &[f32], switch: usize) -> Vec<f32> {
    let layers = codec.config().quantizer.layers;
    let (mut encoder, mut decoder) = (codec.encoder(1), codec.decoder(1));
    let mut out = Vec::new();
    for (number, frame) in signal.chunks_exact(FRAME).enumerate() {
        let codes: Codes = encoder.encode(&[frame], layers).unwrap().remove(0);
        let depth = DEPTHS[usize::from(number >= switch)];
        out.extend(decoder.decode(&[(&codes, depth)]).unwrap().remove(0).remove(0));
    }
    LevelGuard::new(1.0, RATE).process(&mut [&mut out]);
    out
}
