//! Views of running audio: meters, spectrograms, codes, codebooks and load.

use egui::{Align, Layout, Rect, Ui};
use residue_engine::live::ListeningSource;
use residue_ui::theme::{self, size};
use residue_ui::{
    CodebookStats, DifferenceLane, FrequencyAxis, LevelMeters, LiveSpectrogram, LoadHistory,
    SpectrogramOptions, TelemetryFeed, TelemetryRequest, Theme, TokenMap, TokenMapOptions, load,
};

use super::context::EditorContext;
use super::controls::{segmented_choice, toggle};
use super::layout::{RIGHT_COLUMN, draw_in, placeholder, take_bottom, take_left, take_right};
use super::port_observer::PortSnapshot;
use crate::port_settings::listening_source;

/// Length of the spectrograms' time axis, in seconds.
const SECONDS: f64 = 8.0;
/// Heights within the right column, in points.
const LOAD: f32 = 142.0;
const CODEBOOKS: f32 = 170.0;
/// Least height of the token map beside which the codebooks are shown, in points.
const TOKENS: f32 = 170.0;

const DIFFERENCES: [DifferenceLane; 3] =
    [DifferenceLane::DryMinusA, DifferenceLane::DryMinusB, DifferenceLane::AMinusB];

/// The views of running audio, with their options.
pub struct EditorViews {
    spectrogram: Option<LiveSpectrogram>,
    options: SpectrogramOptions,
    /// The difference that was heard in the last frame. When it changes, the fourth spectrogram follows.
    heard: Option<DifferenceLane>,
    tokens: TokenMap,
    codebooks: CodebookStats,
    /// Whether the codebooks were visible in the last frame.
    codebooks_visible: bool,
    /// The channel whose codes are shown, where each channel has its own.
    pub stream: usize,
}

impl EditorViews {
    /// Creates views without data.
    pub fn new() -> Self {
        Self {
            spectrogram: None,
            options: SpectrogramOptions::default(),
            heard: None,
            tokens: TokenMap::new(),
            codebooks: CodebookStats::new(),
            codebooks_visible: false,
            stream: 0,
        }
    }

    /// Returns the telemetry that the visible views need.
    pub fn telemetry_request(&self) -> TelemetryRequest {
        TelemetryRequest { lanes: self.options.lanes.iter().any(|shown| *shown), codes: true }
    }

    /// Takes the telemetry of this frame.
    pub fn update(&mut self, feed: &TelemetryFeed, port: Option<&PortSnapshot>) {
        let Some(port) = port else { return };
        if port.reopened || self.spectrogram.is_none() {
            self.spectrogram = LiveSpectrogram::new(port.rate, SECONDS).ok();
        }
        if let Some(spectrogram) = &mut self.spectrogram {
            spectrogram.update(feed);
        }
        if self.codebooks_visible {
            self.codebooks.update(feed.frames(), port.model.codebook);
        }
    }

    /// Draws all views into `rest`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        mut rest: Rect,
        context: &mut EditorContext,
        port: Option<&PortSnapshot>,
        feed: &TelemetryFeed,
        (meters, history): (&mut LevelMeters, &LoadHistory),
    ) {
        let channels = port.map_or(2, |port| port.channels);
        let left = take_left(&mut rest, 80.0);
        draw_in(ui, left, |ui| meters.show(ui, channels, left.height()));
        let mut column = take_right(&mut rest, RIGHT_COLUMN);
        take_right(&mut rest, size::SPACE);

        let codec = &context.instance.params.codec;
        let heard =
            listening_source(context.host.get(&codec.listen), context.host.get(&codec.swap));
        self.spectrograms(ui, rest, heard, port);

        let middle = take_bottom(&mut column, LOAD);
        draw_in(ui, middle, |ui| match port {
            Some(port) => {
                // Values that are not updated are shown as inactive.
                ui.add_enabled_ui(port.processing, |ui| load(ui, &port.status, history, port.rate));
            }
            None => placeholder(ui, "No load: audio is off in the host"),
        });
        take_bottom(&mut column, size::SPACE);
        self.codebooks_visible = column.height() >= TOKENS + CODEBOOKS;
        if self.codebooks_visible {
            let depths = depths(context);
            let rate = port.map_or(12.5, |port| port.model.frame_rate);
            let rect = take_bottom(&mut column, CODEBOOKS);
            draw_in(ui, rect, |ui| self.codebooks.show(ui, depths, rate));
            take_bottom(&mut column, size::GAP);
        }
        self.token_map(ui, column, context, port, feed);
    }

    fn spectrograms(
        &mut self,
        ui: &mut Ui,
        mut rect: Rect,
        heard: ListeningSource,
        port: Option<&PortSnapshot>,
    ) {
        let difference = DifferenceLane::heard(heard);
        if let Some(difference) = difference.filter(|_| difference != self.heard) {
            self.options.difference = difference;
        }
        self.heard = difference;
        draw_in(ui, take_bottom(&mut rect, 26.0), |ui| self.spectrogram_options(ui));
        take_bottom(&mut rect, 2.0);
        let Some(spectrogram) = &mut self.spectrogram else {
            let theme = Theme::of(ui);
            let well = rect.shrink2(egui::vec2(size::SPACE, 0.0));
            ui.painter().rect_filled(well, 0, theme.well);
            let text = match port {
                Some(_) => "No spectrogram at this sample rate",
                None => "Spectrograms appear when audio runs",
            };
            let align = egui::Align2::CENTER_CENTER;
            ui.painter().text(well.center(), align, text, theme::body(), theme.weak);
            return;
        };
        draw_in(ui, rect, |ui| spectrogram.show(ui, &self.options));
    }

    fn spectrogram_options(&mut self, ui: &mut Ui) {
        ui.spacing_mut().item_spacing.x = size::GAP;
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add_space(28.0);
            for (n, name) in ["Dry", "A", "B"].into_iter().enumerate() {
                let shown = &mut self.options.lanes[n];
                let button = toggle(ui, *shown, name, 36.0, false);
                if button.on_hover_text("show this spectrogram").clicked() {
                    *shown = !*shown;
                }
            }
            let shown = &mut self.options.lanes[3];
            let button = toggle(ui, *shown, "Difference", 0.0, false);
            if button.on_hover_text("show the difference of two of them").clicked() {
                *shown = !*shown;
            }
            ui.add_space(size::GAP);
            let chosen = DIFFERENCES.iter().position(|d| *d == self.options.difference);
            let names = DIFFERENCES.map(DifferenceLane::name);
            ui.add_enabled_ui(self.options.lanes[3], |ui| {
                if let Some(n) =
                    segmented_choice(ui, "Difference shown", chosen.unwrap_or(0), &names)
                {
                    self.options.difference = DIFFERENCES[n];
                }
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(36.0);
                let axes = [FrequencyAxis::Log, FrequencyAxis::Mel];
                let chosen = usize::from(self.options.axis == FrequencyAxis::Mel);
                if let Some(n) = segmented_choice(ui, "Frequency axis", chosen, &["Log", "Mel"]) {
                    self.options.axis = axes[n];
                }
            });
        });
    }

    fn token_map(
        &mut self,
        ui: &mut Ui,
        mut rect: Rect,
        context: &mut EditorContext,
        port: Option<&PortSnapshot>,
        feed: &TelemetryFeed,
    ) {
        let frames = feed.frames();
        let muted = context.instance.params.muted.get();
        let options = TokenMapOptions {
            rate: port.map_or(48_000, |port| port.rate),
            playing: port.map(|port| port.status.playing),
            depths: depths(context),
            muted,
            stream: self.stream.min(frames.streams().saturating_sub(1)),
        };
        rect.max.y = rect.max.y.max(rect.min.y + 40.0);
        let output = draw_in(ui, rect, |ui| self.tokens.show(ui, frames, &options));
        if let Some(action) = output.action {
            context.instance.params.muted.set(action.apply(muted, frames.layers()));
        }
    }
}

/// Returns the depths of A and B that the model has, in layers.
fn depths(context: &mut EditorContext) -> [usize; 2] {
    let codec = &context.instance.params.codec;
    let layers = context.instance.model.layer_bitrate().layers();
    [&codec.depth_a, &codec.depth_b]
        .map(|param| (context.host.get(param).max(1) as usize).min(layers))
}
