//! Scenes of every widget and view, with synthetic data.

use egui::{Align, Key, Layout, Pos2, Rect, Ui, UiBuilder, Vec2, pos2, vec2};
use residue_engine::live::{Latency, ListeningSource, PortHealth, PortStatus};
use residue_ui::knob_scale::{DecibelScale, DepthScale, PercentScale};
use residue_ui::{
    CodebookStats, DistanceView, FrequencyAxis, Knob, Lane, LevelMeters, LiveSpectrogram,
    LoadHistory, SpectrogramOptions, Theme, Timeline, TokenMap, TokenMapOptions, latency, load,
    source_strip, waveform,
};
use residue_ui_testing::signals::{LAYERS, RATE, codes, voices};
use residue_ui_testing::{HeadlessStage, Picture, with_margin};

/// A view by itself.
pub struct Scene {
    pub name: &'static str,
    /// Size in points, without margin.
    pub size: Vec2,
    /// Position of the pointer.
    pub mouse: Option<Pos2>,
    /// Keys pressed before the picture is taken.
    pub keys: &'static [Key],
    /// Draws the scene.
    pub show: fn(&mut Ui, &mut SceneData),
}

/// The state that the scenes draw.
pub struct SceneData {
    pub source: ListeningSource,
    pub depths: [f64; 2],
    pub gain: f64,
    pub mix: f64,
    pub meters: LevelMeters,
    pub status: PortStatus,
    pub history: LoadHistory,
    pub spectrogram: LiveSpectrogram,
    pub options: SpectrogramOptions,
    pub tokens: TokenMap,
    pub frames: residue_ui::FrameWindow,
    pub codebooks: CodebookStats,
    pub peaks: Vec<[f32; 2]>,
    pub distance: DistanceView,
}

/// A scene without pointer and keys.
const fn still(
    name: &'static str,
    width: f32,
    height: f32,
    show: fn(&mut Ui, &mut SceneData),
) -> Scene {
    Scene { name, size: vec2(width, height), mouse: None, keys: &[], show }
}

/// All scenes with a picture.
pub const SCENES: [Scene; 13] = [
    still("knobs", 380.0, 104.0, knobs),
    Scene { keys: &[Key::Tab, Key::Enter], ..still("typing", 380.0, 104.0, knobs) },
    still("strip", 420.0, 40.0, strip),
    Scene {
        mouse: Some(pos2(250.0, 30.0)),
        keys: &[Key::Tab],
        ..still("strip-focus", 420.0, 40.0, strip)
    },
    still("meters", 76.0, 190.0, meters),
    still("load", 240.0, 136.0, load_view),
    still("latency", 240.0, 84.0, latency_view),
    still("spectrograms", 240.0, 200.0, spectrograms),
    Scene { mouse: Some(pos2(110.0, 90.0)), ..still("mel", 220.0, 120.0, mel) },
    Scene { mouse: Some(pos2(220.0, 90.0)), ..still("tokens", 400.0, 220.0, tokens) },
    still("codebooks", 276.0, 190.0, codebooks),
    Scene {
        mouse: Some(pos2(150.0, 30.0)),
        keys: &[Key::Tab],
        ..still("waveform", 400.0, 64.0, waveform_view)
    },
    still("distance", 276.0, 72.0, distance_view),
];

/// All views in the layout of an editor.
pub const EDITOR: Scene =
    Scene { mouse: Some(pos2(410.0, 330.0)), ..still("editor", 944.0, 630.0, editor) };

impl SceneData {
    pub fn new() -> Self {
        let mut meters = LevelMeters::default();
        meters.update(&[[0.71, 0.6], [1.02, 0.5]], 0.0);
        (0..20).for_each(|_| meters.update(&[[0.3, 0.22], [0.35, 0.28]], 1.0 / 30.0));
        let status = PortStatus {
            health: PortHealth::Running,
            load: 0.34,
            peak_load: 0.41,
            frames: 14_200,
            playing: 1_000_000,
            delivered: 1_001_700,
            late_frames: 3,
            dropped_samples: 0,
            non_finite: [0, 0],
            guarded: Default::default(),
            muted_lanes: [false; 2],
            peaks: [[0.0; 2]; 2],
        };
        let mut history = LoadHistory::default();
        for n in 0..200u32 {
            let load = 0.34 + 0.06 * (f64::from(n) * 0.7).sin() as f32;
            let peak_load = if n == 120 { 1.12 } else { load + 0.03 };
            history.update(&PortStatus { load, peak_load, ..status.clone() }, 0.25);
        }
        let mut spectrogram = LiveSpectrogram::new(RATE, 8.0).expect("a rate");
        let voices = voices(8.3);
        spectrogram.push(&voices);
        let mut distance = DistanceView::new(RATE).expect("a rate");
        distance.push(&voices);
        Self {
            source: ListeningSource::A,
            depths: [16.0, 4.0],
            gain: -3.0,
            mix: 1.0,
            meters,
            status,
            history,
            spectrogram,
            options: SpectrogramOptions::default(),
            tokens: TokenMap::new(),
            frames: codes(600),
            codebooks: CodebookStats::new(),
            peaks: voices.chunks(200).map(peak).collect(),
            distance,
        }
    }
}

/// Draws a scene.
pub fn draw(scene: &Scene, data: &mut SceneData, theme: &Theme, scale: f32) -> Picture {
    let mut stage = HeadlessStage::new(with_margin(scene.size.x, scene.size.y), scale, theme);
    if let Some(mouse) = scene.mouse {
        stage.point(mouse);
    }
    for key in scene.keys {
        stage.frame(|ui| (scene.show)(ui, data));
        stage.press(*key);
    }
    stage.picture(|ui| (scene.show)(ui, data))
}

fn knobs(ui: &mut Ui, data: &mut SceneData) {
    let theme = Theme::of(ui);
    let depth = DepthScale::new(LAYERS, 0.125);
    ui.horizontal(|ui| {
        for (lane, name, value) in [(Lane::A, "Depth A", 0), (Lane::B, "Depth B", 1)] {
            Knob::new(name, &depth).accent(theme.lane(lane)).show(ui, &mut data.depths[value]);
        }
        Knob::new("Output", &DecibelScale { low: -24.0, high: 24.0 }).show(ui, &mut data.gain);
        ui.add_enabled_ui(false, |ui| {
            Knob::new("Mix", &PercentScale { default: 1.0 }).show(ui, &mut data.mix);
        });
    });
}

fn strip(ui: &mut Ui, data: &mut SceneData) {
    source_strip(ui, &mut data.source, ["2 kbps", "0.5 kbps"]);
}

fn meters(ui: &mut Ui, data: &mut SceneData) {
    let height = ui.available_height();
    data.meters.show(ui, 2, height);
}

fn load_view(ui: &mut Ui, data: &mut SceneData) {
    load(ui, &data.status, &data.history, 44_100);
}

fn latency_view(ui: &mut Ui, _: &mut SceneData) {
    latency(ui, &Latency { frame: 3528, resampling: 61, allowance: 1764 }, 44_100);
}

fn spectrograms(ui: &mut Ui, data: &mut SceneData) {
    data.spectrogram.show(ui, &data.options);
}

fn mel(ui: &mut Ui, data: &mut SceneData) {
    let options = SpectrogramOptions {
        lanes: [true, false, true, false],
        axis: FrequencyAxis::Mel,
        ..SpectrogramOptions::default()
    };
    data.spectrogram.show(ui, &options);
}

fn tokens(ui: &mut Ui, data: &mut SceneData) {
    let playing = data.frames.position(data.frames.total() - 2).map(|start| start + 1900);
    let (depths, muted) = ([12, 4], 0b10_0000);
    let options = TokenMapOptions { rate: RATE, playing, depths, muted, stream: 0 };
    data.tokens.show(ui, &data.frames, &options);
}

fn codebooks(ui: &mut Ui, data: &mut SceneData) {
    data.codebooks.update(&data.frames, 1024);
    data.codebooks.show(ui, [12, 4], 12.5);
}

fn waveform_view(ui: &mut Ui, data: &mut SceneData) {
    let timeline = Timeline { position: 2.5, length: 8.3, region: Some((1.2, 5.0)) };
    waveform(ui, &data.peaks, &timeline);
}

fn distance_view(ui: &mut Ui, data: &mut SceneData) {
    data.distance.show(ui, 52.0);
}

/// Returns the lowest and the highest dry sample.
fn peak(samples: &[[f32; 3]]) -> [f32; 2] {
    let dry = || samples.iter().map(|sample| 2.0 * sample[0]);
    [dry().fold(f32::MAX, f32::min), dry().fold(f32::MIN, f32::max)]
}

fn editor(ui: &mut Ui, data: &mut SceneData) {
    let origin = ui.max_rect().min;
    let mut part = |x: f32, y: f32, width: f32, height: f32, add: fn(&mut Ui, &mut SceneData)| {
        let rect = Rect::from_min_size(origin + vec2(x, y), vec2(width, height));
        let builder = UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min));
        ui.scope_builder(builder, |ui| add(ui, data));
    };
    part(0.0, 0.0, 380.0, 104.0, knobs);
    part(390.0, 30.0, 554.0, 40.0, strip);
    part(0.0, 112.0, 76.0, 510.0, meters);
    part(86.0, 112.0, 560.0, 518.0, spectrograms);
    part(660.0, 112.0, 284.0, 150.0, tokens);
    part(660.0, 266.0, 284.0, 130.0, codebooks);
    part(660.0, 402.0, 284.0, 138.0, load_view);
    part(660.0, 546.0, 284.0, 84.0, latency_view);
}
