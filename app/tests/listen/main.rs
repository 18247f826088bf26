//! `residue listen` end to end: a JACK server without a sound card, Residue between its ports, and a
//! probe that speaks, records and compares with `residue roundtrip`, sample for sample.
//!
//! One test, since a process can only talk to one server at a time.

#![cfg(all(feature = "jack", unix))]

mod probe;
mod server;

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use residue_app::studio::{
    CpalBackend, DeviceRequest, Severity, StreamState, Studio, StudioOptions,
};
use residue_app::window::CONTROLS;
use residue_engine::audio::{self, Audio};
use residue_engine::live::{Allowance, FrameEffects, LevelGuard, PortSettings};
use residue_engine::models::{ModelRequest, PrecisionRequest};
use residue_engine::tokens::npy;
use residue_engine_testing::{SeededNoise, heed_signals};
use serde_json::Value;

use probe::{Probe, Recording};
use server::{PATIENCE, PERIOD, Server, Turn};

/// Seconds that Residue listens in each comparison.
const SECONDS: usize = 4;
/// Milliseconds for the codec: so much that a busy machine is never late, which no test could tell
/// from a fault.
const ALLOWANCE: &str = "1000";

#[test]
fn listening_is_the_roundtrip_a_latency_later() {
    // SAFETY: this is the only test of this process, so that no other thread reads or changes the
    // environment: the harness's own waits for this one.
    let turn = unsafe { Turn::take() };
    // First, since jackd may crash over the clients that it finds dead when it moves again; the next
    // server of the name then tidies up.
    let impatient = Server::start(&turn, 48_000, Duration::from_millis(100));
    a_server_that_stands_still_is_an_error(impatient);
    // The embedded model's own rate, and two that are resampled.
    for rate in [24_000, 44_100, 48_000] {
        let server = Server::start(&turn, rate, Duration::from_secs(10));
        dry_is_the_input_bit_for_bit(&server, rate);
        a_depth_is_the_roundtrip(&server, rate, "embedded", 3);
        what_is_left_behind_is_heard(&server, rate, 8);
        if rate == 48_000 {
            a_depth_is_the_roundtrip(&server, rate, &golden("v2"), 3);
            a_file_plays_without_a_microphone(&server, rate);
            codes_play_from_a_file_and_from_stdin(&server, rate);
            devices_are_listed(rate);
            impossible_wishes_are_explained(rate);
            an_interruption_ends_it_well();
            a_lost_server_is_an_error(server);
        }
    }
}

/// A process of Residue's with its output.
struct Residue(Child);

impl Residue {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_residue"));
        command.args(arguments).stdin(Stdio::null());
        let command = heed_signals(&mut command);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// As `start`, with something on stdin.
    fn fed(arguments: &[&str], input: Option<String>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_residue"));
        command.args(arguments).stdin(Stdio::piped());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        // Whoever fails does not read to the end.
        thread::spawn(move || input.map(|input| stdin.write_all(input.as_bytes())));
        Self(process)
    }

    /// Waits for the end: status, stdout, stderr.
    fn end(mut self) -> (ExitStatus, String, String) {
        let began = Instant::now();
        while self.0.try_wait().unwrap().is_none() {
            if began.elapsed() > PATIENCE + Duration::from_secs(SECONDS as u64) {
                self.0.kill().unwrap();
                let output = self.0.wait_with_output().unwrap();
                panic!("residue does not end: {}", String::from_utf8_lossy(&output.stderr));
            }
            thread::sleep(Duration::from_millis(20));
        }
        let output = self.0.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status, text(output.stdout), text(output.stderr))
    }

    /// Waits for a good end and reads the report.
    fn report(self) -> Value {
        let (status, stdout, stderr) = self.end();
        assert!(status.success(), "{status}: {stderr}");
        serde_json::from_str(&stdout).unwrap()
    }
}

/// Seeded noise and tones, different on each channel, longer than any run.
fn signal(rate: u32) -> [Vec<f32>; 2] {
    let length = rate as usize * (SECONDS + 30);
    [1_u32, 2].map(|seed| {
        let mut noise = SeededNoise::new(seed);
        let mut next = |n: usize| {
            let t = n as f32 / rate as f32;
            let swell = 0.5 + 0.5 * (t * 7.0).sin();
            swell * 0.3 * (t * 900.0 * seed as f32).sin() + 0.05 * noise.sample()
        };
        (0..length).map(&mut next).collect()
    })
}

/// Listens to the signal and returns what the probe and Residue have to say.
fn listen(server: &Server, rate: u32, options: &[&str]) -> (Recording, Value) {
    let probe = Probe::new(signal(rate));
    let seconds = SECONDS.to_string();
    let arguments =
        ["listen", "--host", "jack", "--json", "--seconds", &seconds, "--allowance", ALLOWANCE];
    let residue = Residue::start(&[&arguments[..], options].concat());
    probe.connect();
    // Some silence first, so that the signal begins within a frame of the codec's.
    probe.wait(rate as usize / 10);
    probe.go();
    let report = residue.report();
    let recording = probe.finish();
    let about = || format!("{report} {}", server.log());
    assert_eq!(recording.missed, 0, "the server left out periods: {}", about());
    assert_eq!(report["late_frames"], 0, "the codec was late, is this machine busy? {}", about());
    for (fault, count) in report["devices"].as_object().unwrap() {
        // A server that is late says so, and has lost nothing. Seeded weights are loud, and limited.
        let harmless = ["in_hand", "input_xruns", "output_xruns", "limited"];
        let harmless = harmless.contains(&fault.as_str());
        assert!(harmless || *count == 0, "{fault}: {}", about());
    }
    assert_eq!(report["dropped_samples"], 0, "{}", about());
    assert_eq!(report["ended"], "seconds");
    assert_eq!(report["rate"], rate);
    assert_eq!(report["frames"], SECONDS * rate as usize);
    (recording, report)
}

/// The port's view of a recording.
struct Aligned {
    rate: u32,
    /// The port's first frame in the probe's time.
    first: usize,
    /// Frames that the port processed.
    frames: usize,
    /// Frames from the port's input to its output.
    latency: usize,
    /// Frames from Residue's input to its port: what is in hand between its two clients, in either
    /// order of these within a period.
    apart: [usize; 2],
}

impl Aligned {
    fn new(recording: &Recording, report: &Value) -> Self {
        let number = |value: &Value| usize::try_from(value.as_u64().unwrap()).unwrap();
        let frames = number(&report["frames"]);
        // Residue falls silent after its last frame, and the signal never is.
        let end = recording.heard[0].iter().rposition(|&x| x != 0.0).expect("something is heard");
        let in_hand = number(&report["devices"]["in_hand"]);
        Self {
            rate: number(&report["rate"]) as u32,
            first: (end + 1).checked_sub(frames).expect("the probe was there first"),
            frames,
            latency: number(&report["latency"]["total"]),
            apart: [in_hand, in_hand - PERIOD],
        }
    }

    /// Returns the port's input, if the devices lie `apart` frames apart.
    fn input<'a>(&self, sent: &'a [f32], apart: usize) -> &'a [f32] {
        &sent[self.first - apart..][..self.frames]
    }

    /// The port's frames that are compared: from the signal's first to the last that came out.
    fn compared(&self, recording: &Recording, apart: usize) -> std::ops::Range<usize> {
        let begin = recording.start + apart - self.first;
        begin..self.frames - self.latency
    }
}

/// Finds the distance at which what was heard is `expected` of the port's input, every sample of it, limited at full
/// scale as every output device is; fails with what differs at each distance if there is none.
fn find(
    recording: &Recording,
    aligned: &Aligned,
    what: &str,
    expected: impl Fn([&[f32]; 2]) -> [Vec<f32>; 2],
) {
    let mut differences = Vec::new();
    for apart in aligned.apart {
        let input = [0, 1].map(|channel| aligned.input(&recording.sent[channel], apart));
        let mut expected = expected(input);
        LevelGuard::new(1.0, aligned.rate).process(&mut expected);
        let range = aligned.compared(recording, apart);
        assert!(range.len() > aligned.frames / 3, "{what}: only {} frames", range.len());
        let wrong = (0..2).flat_map(|channel| range.clone().map(move |n| (channel, n))).filter(
            |&(channel, n)| {
                let heard = recording.heard[channel][aligned.first + aligned.latency + n];
                heard != expected[channel][n]
            },
        );
        let wrong: Vec<(usize, usize)> = wrong.collect();
        let Some(&(channel, n)) = wrong.first() else { return };
        differences.push(format!(
            "{apart} frames apart, {} of {} samples differ, first at frame {n} of channel {channel}: \
             heard {}, expected {}",
            wrong.len(),
            2 * range.len(),
            recording.heard[channel][aligned.first + aligned.latency + n],
            expected[channel][n]
        ));
    }
    panic!("{what}: {}", differences.join("; "));
}

fn dry_is_the_input_bit_for_bit(server: &Server, rate: u32) {
    let (recording, report) = listen(server, rate, &["--source", "dry"]);
    let aligned = Aligned::new(&recording, &report);
    find(&recording, &aligned, "dry", |input| input.map(<[f32]>::to_vec));
}

/// Returns the output of `residue roundtrip` for the port's input.
fn roundtrip(
    server: &Server,
    rate: u32,
    input: [&[f32]; 2],
    model: &str,
    depth: usize,
) -> [Vec<f32>; 2] {
    let (from, to) = (server.path("in.wav"), server.path("out.wav"));
    let channels = input.iter().map(|plane| plane.to_vec()).collect();
    audio::write(&from, &Audio::new(rate, channels)).unwrap();
    let [from, to_text] = [&from, &to].map(|path| path.to_str().unwrap());
    let depth = depth.to_string();
    let arguments = ["roundtrip", from, "-o", to_text, "--model", model, "--depth", &depth];
    // The precision that `listen` takes if nothing else is said.
    let arguments = [&arguments[..], &["--precision", "auto"]].concat();
    let (status, _, stderr) = Residue::start(&arguments).end();
    assert!(status.success(), "{stderr}");
    audio::read(&to).unwrap().audio.channels.try_into().unwrap()
}

/// A miniature checkpoint in the published layout of this name.
fn golden(case: &str) -> String {
    let app = Path::new(env!("CARGO_MANIFEST_DIR"));
    app.join("../engine/tests/golden").join(case).display().to_string()
}

fn a_depth_is_the_roundtrip(server: &Server, rate: u32, model: &str, depth: usize) {
    let text = depth.to_string();
    let (recording, report) = listen(server, rate, &["--model", model, "--depth", &text]);
    assert_eq!((&report["depth"], &report["source"]), (&depth.into(), &"a".into()));
    let aligned = Aligned::new(&recording, &report);
    find(&recording, &aligned, model, |input| roundtrip(server, rate, input, model, depth));
}

fn what_is_left_behind_is_heard(server: &Server, rate: u32, depth: usize) {
    let text = depth.to_string();
    let (recording, report) = listen(server, rate, &["--source", "dry-b", "--depth-b", &text]);
    let aligned = Aligned::new(&recording, &report);
    find(&recording, &aligned, "dry-b", |input| {
        let coded = roundtrip(server, rate, input, "embedded", depth);
        let left = |channel: usize| {
            input[channel].iter().zip(&coded[channel]).map(|(dry, coded)| dry - coded).collect()
        };
        [left(0), left(1)]
    });
}

/// The studio plays a file through the server, with no input opened: what the probe hears is the
/// roundtrip, sample for sample.
fn a_file_plays_without_a_microphone(server: &Server, rate: u32) {
    let path = server.path("song.wav");
    let channels: Vec<Vec<f32>> =
        signal(rate).map(|plane| plane[..SECONDS * rate as usize].to_vec()).into();
    audio::write(&path, &Audio::new(rate, channels.clone())).unwrap();
    let frames = FrameEffects { depths: [5, 1], ..FrameEffects::default() };
    let options = StudioOptions {
        settings: PortSettings { frames, ..PortSettings::default() },
        devices: DeviceRequest { host: Some("jack".into()), ..DeviceRequest::default() },
        model: ModelRequest { precision: PrecisionRequest::Automatic, ..ModelRequest::default() },
        // As `ALLOWANCE`.
        allowance: Allowance::Samples(rate as usize),
        ..StudioOptions::default()
    };
    let mut studio = Studio::new(Arc::new(CpalBackend::new(&CONTROLS)), options, Arc::new(|| ()));
    let until = |studio: &mut Studio, what: &str, holds: &dyn Fn(&mut Studio) -> bool| {
        let began = Instant::now();
        while !holds(studio) {
            for notice in studio.tick() {
                assert_eq!(notice.severity, Severity::Info, "{notice:?}, {}", server.log());
            }
            let state = studio.stream_state();
            assert!(began.elapsed() < 2 * PATIENCE, "{what}: {state:?}, {}", server.log());
            thread::sleep(Duration::from_millis(20));
        }
    };
    studio.open_file(path);
    until(&mut studio, "the file opens", &|studio| studio.file().is_some());
    studio.start();
    until(&mut studio, "it runs", &|studio| studio.control().is_some());
    let probe = Probe::new(Default::default());
    probe.connect_output();
    studio.play();
    until(&mut studio, "it plays", &|studio| studio.transport().unwrap().position_s > 0.5);
    until(&mut studio, "it ends", &|studio| !studio.transport().unwrap().playing);
    let StreamState::Running(facts) = studio.stream_state().clone() else { panic!("it runs") };
    assert_eq!((facts.shape.input, facts.counts.starved), (None, 0));
    probe.wait(2 * PERIOD);
    let recording = probe.finish();
    assert_eq!(recording.missed, 0, "the server left out periods: {}", server.log());
    let expected = roundtrip(server, rate, [&channels[0], &channels[1]], "embedded", 5);
    let begin = |plane: &[f32]| plane.iter().position(|x| *x != 0.0).expect("it is heard");
    let offset = begin(&recording.heard[0]) - begin(&expected[0]);
    for (channel, expected) in expected.iter().enumerate() {
        let heard = &recording.heard[channel][offset..][..expected.len()];
        let wrong = heard.iter().zip(expected).position(|(a, b)| a != b);
        assert_eq!(wrong, None, "channel {channel}");
    }
}

/// `residue decode --play` plays every frame to its end, from a file and as lines arrive on stdin.
fn codes_play_from_a_file_and_from_stdin(server: &Server, rate: u32) {
    let (song, codes) = (server.path("song.wav"), server.path("codes.npy"));
    let [song, codes] = [&song, &codes].map(|path| path.to_str().unwrap());
    let (status, _, stderr) = Residue::start(&["encode", song, "-o", codes]).end();
    assert!(status.success(), "{stderr}");
    let frames = npy::read(Path::new(codes)).unwrap();
    let lines: String = (0..frames.frames())
        .map(|frame| frames.frame(frame).iter().map(|c| format!("{c} ")).collect::<String>() + "\n")
        .collect();
    for (from, input) in [(codes, None), ("-", Some(lines))] {
        let residue = Residue::fed(&["decode", from, "--play", "--host", "jack"], input);
        let probe = Probe::new(Default::default());
        probe.connect_output();
        let (status, stdout, stderr) = residue.end();
        assert!(status.success(), "{stderr} {}", server.log());
        assert_eq!(stdout, format!("{} frames heard\n", frames.frames()));
        let heard = probe.finish().heard;
        let loud = heard[0].iter().filter(|x| x.abs() > 1e-3).count();
        assert!(loud > SECONDS * rate as usize / 4, "{from}: {loud} samples");
        // It played before both channels were connected, the second one last.
        let both = heard[1].iter().position(|x| *x != 0.0).expect("it is heard");
        assert!(heard[0][both..] == heard[1][both..], "{from}: both channels are the same");
    }
    let (status, _, stderr) =
        Residue::fed(&["decode", "-", "--play", "--host", "jack"], Some("1 x\n".into())).end();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("stdin") && stderr.contains("line 1"), "{stderr}");
}

fn devices_are_listed(rate: u32) {
    let (status, stdout, stderr) = Residue::start(&["devices", "--json"]).end();
    assert!(status.success(), "{stderr}");
    let hosts: Value = serde_json::from_str(&stdout).unwrap();
    let jack = hosts.as_array().unwrap().iter().find(|host| host["name"] == "JACK").unwrap();
    let devices = jack["devices"].as_array().unwrap();
    assert_eq!(devices.len(), 2, "{jack}");
    for device in devices {
        let sides = [&device["input"], &device["output"]];
        let side = sides.into_iter().find(|side| !side.is_null()).unwrap();
        assert_eq!(side["default"], true);
        assert_eq!(side["rates"], serde_json::json!([[rate, rate]]));
        assert_eq!(side["buffer"], serde_json::json!([PERIOD, PERIOD]));
    }
    let (_, table, _) = Residue::start(&["devices"]).end();
    assert!(table.contains("JACK Input") && table.contains("JACK Output"), "{table}");
}

fn impossible_wishes_are_explained(rate: u32) {
    let fails = |options: &[&str], parts: &[&str]| {
        let (status, _, stderr) =
            Residue::start(&[&["listen", "--host", "jack"], options].concat()).end();
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "one line, got {stderr}");
        assert!(parts.iter().all(|part| stderr.contains(part)), "{parts:?} in {stderr}");
    };
    fails(&["--input", "no such"], &["no input device called `no such`", "JACK Input"]);
    fails(&["--output", "no such"], &["no output device called `no such`", "JACK Output"]);
    fails(&["--buffer", "100"], &["blocks of 100 frames", "choose 256 frames with --buffer"]);
    fails(&["--rate", "44100"], &["44100 Hz", &rate.to_string(), "--rate"]);
    fails(&["--depth", "33"], &["32 layers", "--depth 33"]);
}

fn an_interruption_ends_it_well() {
    let residue = Residue::start(&["listen", "--host", "jack", "--mute", "--json"]);
    let probe = Probe::new(Default::default());
    probe.connect();
    probe.wait(PERIOD * 100);
    server::signal(&residue.0, "-INT");
    let report = residue.report();
    assert_eq!(report["ended"], "interrupted");
    assert!(report["frames"].as_u64().unwrap() > 0);
    assert!(probe.finish().heard.iter().flatten().all(|&x| x == 0.0), "--mute is silent");
}

fn a_server_that_stands_still_is_an_error(server: Server) {
    let residue = Residue::start(&["listen", "--host", "jack"]);
    let probe = Probe::new(Default::default());
    probe.connect();
    drop(probe.finish());
    server.freeze();
    let (status, _, stderr) = residue.end();
    assert_eq!(status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(last.starts_with("residue: the ") && last.contains("stood still"), "{stderr}");
}

fn a_lost_server_is_an_error(server: Server) {
    let residue = Residue::start(&["listen", "--host", "jack", "--json"]);
    let probe = Probe::new(Default::default());
    probe.connect();
    drop(probe.finish());
    drop(server);
    let (status, stdout, stderr) = residue.end();
    assert_eq!(status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap();
    assert!(last.starts_with("residue: lost the ") && last.contains("JACK"), "{stderr}");
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["ended"], "failure");
}
