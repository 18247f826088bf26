//! A studio on simulated devices, and what its sound should be.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use residue_app::studio::{Severity, SimulatedBackend, Studio, StudioOptions, UserNotice};
use residue_engine::audio::{self, Audio, MonoTreatment};
use residue_engine::codec::{Codec, CodecOptions};
use residue_engine::live::{FrameEffects, ListeningSource, PortSettings};
use residue_engine::models::{HubSettings, ModelLibrary, embedded};
use residue_engine::offline;
use residue_engine::tokens::Codes;
use residue_engine_testing::SeededNoise;
use tempfile::TempDir;

/// The embedded model's rate and frame.
pub const RATE: u32 = 24_000;
pub const FRAME: usize = 240;
/// Frames a block of the simulated devices.
pub const BLOCK: usize = 256;
/// How long a thread may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The embedded model.
pub fn codec() -> &'static Codec {
    static CODEC: LazyLock<Codec> = LazyLock::new(|| {
        let model = embedded();
        Codec::load_from_memory(model.config, model.weights, &CodecOptions::default()).unwrap()
    });
    &CODEC
}

/// A studio and what it stands on.
pub struct StudioHarness {
    pub studio: Studio,
    pub devices: SimulatedBackend,
    pub folder: TempDir,
    pub notices: Vec<UserNotice>,
}

impl StudioHarness {
    pub fn new(rate: u32, change: impl FnOnce(&mut StudioOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hub = HubSettings { offline: true, ..HubSettings::new(folder.path().join("hub")) };
        let library = ModelLibrary::new(folder.path().join("home"), hub);
        let mut options = StudioOptions { store: library.into(), ..StudioOptions::default() };
        change(&mut options);
        let devices = SimulatedBackend::new(rate, BLOCK as u32);
        let studio = Studio::new(Arc::new(devices.clone()), options, Arc::new(|| ()));
        Self { studio, devices, folder, notices: Vec::new() }
    }

    /// A path of the harness's own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes audio to a file.
    pub fn file(&self, name: &str, rate: u32, channels: &[Vec<f32>]) -> PathBuf {
        let path = self.path(name);
        audio::write(&path, &Audio::new(rate, channels.to_vec())).unwrap();
        path
    }

    /// Lets the other threads work until something holds.
    pub fn until(&mut self, what: &str, holds: impl Fn(&mut Studio) -> bool) {
        let began = Instant::now();
        loop {
            self.notices.extend(self.studio.tick());
            if holds(&mut self.studio) {
                return;
            }
            let about = (self.studio.stream_state(), self.studio.model(), &self.notices);
            assert!(began.elapsed() < PATIENCE, "{what}: {about:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for a notice that holds these words, and forgets all so far.
    pub fn notice(&mut self, severity: Severity, words: &str) -> String {
        let began = Instant::now();
        loop {
            self.notices.extend(self.studio.tick());
            let fits =
                |notice: &&UserNotice| notice.severity == severity && notice.text.contains(words);
            if let Some(found) = self.notices.iter().find(fits) {
                let text = found.text.clone();
                self.notices.clear();
                return text;
            }
            assert!(began.elapsed() < PATIENCE, "no {words:?} in {:?}", self.notices);
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Opens a file, paused, with devices that run.
    pub fn open(&mut self, path: &Path) {
        self.studio.open_file(path.to_owned());
        let path = path.to_owned();
        self.until("the file opens", |s| {
            !s.is_opening() && s.file().is_some_and(|file| file.path == path)
        });
        self.studio.start();
        self.ready();
    }

    /// Waits until devices run, and lets the first block take up what was sent.
    pub fn ready(&mut self) {
        let devices = self.devices.clone();
        self.until("the devices run", |studio| studio.control().is_some() && devices.is_open());
        self.devices.play(BLOCK);
        self.devices.take_heard();
    }

    /// Plays and returns what is heard.
    pub fn play(&mut self, frames: usize) -> [Vec<f32>; 2] {
        self.devices.play(frames);
        self.notices.extend(self.studio.tick());
        self.devices.take_heard()
    }

    /// Samples from the port's input to its output.
    pub fn latency(&mut self) -> usize {
        self.studio.control().unwrap().latency().total()
    }
}

/// Settings that hear a source with these depths.
pub fn settings(source: ListeningSource, depths: [usize; 2]) -> PortSettings {
    let frames = FrameEffects { depths, ..FrameEffects::default() };
    PortSettings { source, frames, ..PortSettings::default() }
}

/// Something voice-like that starts at once.
pub fn voice(rate: u32, length: usize, seed: u32) -> Vec<f32> {
    let mut noise = SeededNoise::new(seed);
    let mut phase = 0.0f64;
    (0..length)
        .map(|n| {
            let t = n as f64 / f64::from(rate);
            phase += (140.0 + 40.0 * (2.1 * t + f64::from(seed)).sin()) / f64::from(rate);
            let harmonics: f64 = (1..12)
                .map(|h| (phase * std::f64::consts::TAU * f64::from(h)).sin() / f64::from(h))
                .sum();
            let hiss = f64::from(noise.sample());
            let swell = 0.6 + 0.4 * (5.0 * t).sin();
            (0.2 * swell * harmonics + 0.02 * hiss) as f32
        })
        .collect()
}

/// Returns the output of `residue encode` and `residue roundtrip` for audio: codes of each stream, and the decoded
/// audio at each depth.
pub fn roundtrip(rate: u32, channels: &[Vec<f32>], depths: &[usize]) -> (Vec<Codes>, Vec<Audio>) {
    let file = Audio::new(rate, channels.to_vec());
    let go_on = &mut |_: f64| ControlFlow::Continue(());
    let encoded = offline::encode(codec(), &file, 32, MonoTreatment::Dual, 8, go_on).unwrap();
    let decoded = offline::decode(codec(), &encoded, depths, 8, go_on).unwrap();
    (encoded.streams, decoded)
}

/// Where two signals first differ in a bit.
pub fn differs(a: &[f32], b: &[f32]) -> Option<usize> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits())
}
