//! Models downloaded from a hub while audio runs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use egui_kittest::kittest::{NodeT, Queryable};
use residue_engine::live::{
    Allowance, AudioPort, CodecModel, ListeningSource, PortConfig, PortSettings, open_port,
};
use residue_engine_testing::{HubFault, HubServer, PullFixture};
use residue_plugin::{Instance, ModelChoice, ModelPhase};
use residue_ui_testing::signals::{Noise, RATE};

use crate::harness::{EditorHarness, open_over};

/// Samples of a block.
const BLOCK: usize = 480;
/// Bytes after which the hub stalls for a while.
const HALF: usize = 300_000;

/// A hub with the miniature of nano.
fn hub() -> HubServer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/golden/nano");
    let file = |name| (name, std::fs::read(folder.join(name)).unwrap());
    HubServer::start(["config.json", "model.safetensors"].map(file).into())
}

/// A host's audio: blocks go through an instance's port, one after the other.
struct HostAudio {
    port: AudioPort,
    noise: Noise,
    input: Vec<f32>,
    heard: Vec<f32>,
}

impl HostAudio {
    /// Starts audio with the loaded model, offline, so that nothing depends on the machine's speed.
    fn start(instance: &Instance) -> Self {
        let model = instance.model.prepare(None).unwrap();
        let settings = PortSettings { source: ListeningSource::Dry, ..PortSettings::default() };
        let allowance = Allowance::Samples(BLOCK);
        let config = PortConfig { settings, allowance, ..PortConfig::new(RATE, 2, BLOCK) };
        let (mut port, control) = open_port(&config, &CodecModel(model.codec().clone())).unwrap();
        port.set_offline(true);
        instance.model.attach(Arc::new(control), model);
        Self { port, noise: Noise::new(1), input: Vec::new(), heard: Vec::new() }
    }

    /// Plays a block; while the dry lane is heard, checks it against the delayed input.
    fn play(&mut self) {
        let mut left: Vec<f32> = (0..BLOCK).map(|_| self.noise.sample() as f32 * 0.2).collect();
        let mut right = left.clone();
        self.input.extend(&left);
        self.port.process(&mut [&mut left, &mut right]);
        self.heard.extend(&left);
        if *self.port.settings()
            == (PortSettings { source: ListeningSource::Dry, ..PortSettings::default() })
        {
            let latency = self.port.latency().total();
            let block = self.heard.len() - BLOCK..self.heard.len();
            for n in block {
                let expected = n.checked_sub(latency).map_or(0.0, |n| self.input[n]);
                assert_eq!(self.heard[n], expected, "sample {n}");
            }
        }
    }

    /// The peak of half a second of lane A.
    fn peak_of_a(&mut self) -> f32 {
        self.port.set(&PortSettings { source: ListeningSource::A, ..PortSettings::default() });
        let from = self.heard.len();
        (0..RATE as usize / 2 / BLOCK).for_each(|_| self.play());
        self.heard[from..].iter().fold(0.0, |most, x| x.abs().max(most))
    }
}

/// Draws frames and plays blocks until a condition holds.
fn wait(
    open: &mut EditorHarness,
    audio: &mut HostAudio,
    what: &str,
    condition: impl Fn(&EditorHarness) -> bool,
) {
    open.wait(what, |open| {
        audio.play();
        condition(open)
    });
}

#[test]
fn a_missing_model_is_fetched_and_runs_while_audio_goes_on() {
    let server = hub();
    server.state().mishaps.push_back(HubFault::Stall(HALF));
    let mut fixture = PullFixture::new(&server);
    (fixture.settings.retries, fixture.settings.patience) = (3, Duration::from_secs(1));
    let mut open =
        open_over(fixture.library(), |instance| instance.model.choose(ModelChoice::new("nano")));
    let mut audio = HostAudio::start(&open.instance);
    let running = |open: &EditorHarness| open.instance.model.status().running.map(|(name, _)| name);
    let reads =
        |open: &EditorHarness, words: &str| open.window.query_by_label_contains(words).is_some();
    open.wait_for("The model nano is missing");
    open.window.get_by_label("Fetch 88 MB").click();
    wait(&mut open, &mut audio, "bytes arrive", |open| {
        let download = open.instance.catalog.lock().pull_status();
        download.is_some_and(|download| download.progress.done as usize > HALF / 2)
    });
    wait(&mut open, &mut audio, "progress is shown", |open| {
        reads(open, "Fetching nano: ") && reads(open, " kB of 629 kB")
    });
    assert!(reads(&open, "Audio continues."));
    assert_eq!(running(&open).as_deref(), Some("embedded"));

    // The download resumes by itself where it stalled. Longer frames need a longer latency.
    wait(&mut open, &mut audio, "it has been fetched and loaded", |open| {
        open.instance.model.status().phase == ModelPhase::WaitsForRestart
    });
    wait(&mut open, &mut audio, "the download has ended", |open| {
        let download = open.instance.catalog.lock().pull_status();
        download.is_some_and(|download| matches!(download.end, Some(Ok(()))))
    });
    let range = format!("bytes={HALF}-");
    let ranges: Vec<_> = server.downloads().into_iter().map(|download| download.range).collect();
    assert!(ranges.iter().flatten().any(|asked| *asked == range), "{ranges:?}");
    assert!(reads(&open, "nano waits for the host to restart audio"));
    assert!(open.instance.model.take_restart(), "the host is asked");
    assert_eq!(running(&open).as_deref(), Some("embedded"));
    audio.play();
    assert!(audio.peak_of_a() > 0.01, "the embedded model plays");

    drop(open.instance.model.detach());
    let mut audio = HostAudio::start(&open.instance);
    wait(&mut open, &mut audio, "it runs", |open| {
        open.instance.model.status().phase == ModelPhase::Ready
            && running(open).as_deref() == Some("nano")
    });
    assert!(!reads(&open, "nano waits") && !reads(&open, "is missing"));
    assert!(open.window.query_by_label("Model nano, f32").is_some());
    let depth = open.window.get_by_label("Depth A");
    assert_eq!(
        depth.accesskit_node().value().as_deref(),
        Some("0.375 kbps, 5 layers"),
        "the miniature's"
    );
    assert!(audio.peak_of_a() > 0.0, "the new model plays");
    drop(open.instance.model.detach());
}

#[test]
fn a_model_is_fetched_in_the_dialog_and_chosen() {
    let server = hub();
    let fixture = PullFixture::new(&server);
    let mut open = open_over(fixture.library(), |_| {});
    let new = ModelChoice::automatic("embedded");
    let label = format!("Model embedded, {}", new.precision_label());
    open.window.get_by_label(&label).click();
    open.wait_for("Fetch 88 MB");
    open.window.get_by_label("Fetch 88 MB").click();
    open.wait_for("here, 629 kB");
    assert!(open.window.query_by_label("Fetch 88 MB").is_none());
    assert_eq!(open.instance.model.requested(), new, "fetching is not choosing");
    open.window.get_by_label("Model nano").click();
    open.wait("it is loaded", |open| {
        let status = open.instance.model.status();
        status.requested.id == "nano" && status.phase == ModelPhase::Ready
    });
}
