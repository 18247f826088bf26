//! What running audio looks like: meters, spectrograms, codes, load and latency.

use egui::{Align, Layout, Rect, RichText, Ui};
use residue_engine::live::ListeningSource;
use residue_ui::theme::{self, size};
use residue_ui::{
    CodebookStats, DifferenceLane, FrequencyAxis, LevelMeters, LiveSpectrogram, LoadHistory,
    SpectrogramOptions, TelemetryFeed, TelemetryRequest, Theme, TokenMap, TokenMapOptions, load,
};

use super::controls::{choice, toggle};
use super::panel::{Desk, part, take_bottom, take_left, take_right};
use super::watch::Live;
use crate::settings::source;

/// Seconds on the time axis of the spectrograms.
const SECONDS: f64 = 8.0;
/// Width of the column at the right.
pub const COLUMN: f32 = 290.0;
/// Heights within it.
const LOAD: f32 = 142.0;
const CODEBOOKS: f32 = 170.0;
/// The least that the token map should have before there is room for the codebooks.
const TOKENS: f32 = 170.0;

const DIFFERENCES: [DifferenceLane; 3] =
    [DifferenceLane::DryMinusA, DifferenceLane::DryMinusB, DifferenceLane::AMinusB];

/// The views and what they are set to.
pub struct Views {
    spectrogram: Option<LiveSpectrogram>,
    options: SpectrogramOptions,
    /// The difference that was heard last: when another one is, the fourth spectrogram follows.
    heard: Option<DifferenceLane>,
    tokens: TokenMap,
    codebooks: CodebookStats,
    /// The codebooks were visible in the last frame.
    counting: bool,
    /// The channel whose codes are shown, where each has its own.
    pub stream: usize,
}

impl Views {
    /// Nothing seen yet.
    pub fn new() -> Self {
        Self {
            spectrogram: None,
            options: SpectrogramOptions::default(),
            heard: None,
            tokens: TokenMap::new(),
            codebooks: CodebookStats::new(),
            counting: false,
            stream: 0,
        }
    }

    /// What has to be read for what is visible.
    pub fn wanted(&self) -> TelemetryRequest {
        TelemetryRequest { lanes: self.options.lanes.iter().any(|shown| *shown), codes: true }
    }

    /// Takes what was read.
    pub fn update(&mut self, feed: &TelemetryFeed, live: Option<&Live>) {
        let Some(live) = live else { return };
        if live.anew || self.spectrogram.is_none() {
            self.spectrogram = LiveSpectrogram::new(live.rate, SECONDS).ok();
        }
        if let Some(spectrogram) = &mut self.spectrogram {
            spectrogram.update(feed);
        }
        if self.counting {
            self.codebooks.update(feed.frames(), live.facts.codebook);
        }
    }

    /// Draws all of them into `rest`.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        mut rest: Rect,
        desk: &mut Desk,
        live: Option<&Live>,
        feed: &TelemetryFeed,
        (meters, history): (&mut LevelMeters, &LoadHistory),
    ) {
        let channels = live.map_or(2, |live| live.channels);
        let left = take_left(&mut rest, 80.0);
        part(ui, left, |ui| meters.show(ui, channels, left.height()));
        let mut column = take_right(&mut rest, COLUMN);
        take_right(&mut rest, size::SPACE);

        let codec = &desk.instance.params.codec;
        let heard = source(desk.link.get(&codec.listen), desk.link.get(&codec.swap));
        self.spectrograms(ui, rest, heard, live);

        let middle = take_bottom(&mut column, LOAD);
        part(ui, middle, |ui| match live {
            Some(live) => {
                // What stands still is not what is.
                ui.add_enabled_ui(live.moves, |ui| load(ui, &live.status, history, live.rate));
            }
            None => nothing(ui, "No load: audio is off in the host"),
        });
        take_bottom(&mut column, size::SPACE);
        self.counting = column.height() >= TOKENS + CODEBOOKS;
        if self.counting {
            let depths = depths(desk);
            let rate = live.map_or(12.5, |live| live.facts.frame_rate);
            let rect = take_bottom(&mut column, CODEBOOKS);
            part(ui, rect, |ui| self.codebooks.show(ui, depths, rate));
            take_bottom(&mut column, size::GAP);
        }
        self.token_map(ui, column, desk, live, feed);
    }

    fn spectrograms(
        &mut self,
        ui: &mut Ui,
        mut rect: Rect,
        heard: ListeningSource,
        live: Option<&Live>,
    ) {
        let difference = DifferenceLane::heard(heard);
        if let Some(difference) = difference.filter(|_| difference != self.heard) {
            self.options.difference = difference;
        }
        self.heard = difference;
        part(ui, take_bottom(&mut rect, 26.0), |ui| self.spectrogram_options(ui));
        take_bottom(&mut rect, 2.0);
        let Some(spectrogram) = &mut self.spectrogram else {
            let theme = Theme::of(ui);
            let well = rect.shrink2(egui::vec2(size::SPACE, 0.0));
            ui.painter().rect_filled(well, 0, theme.well);
            let text = match live {
                Some(_) => "nothing to see",
                None => "Spectrograms appear when audio runs",
            };
            let align = egui::Align2::CENTER_CENTER;
            ui.painter().text(well.center(), align, text, theme::body(), theme.weak);
            return;
        };
        part(ui, rect, |ui| spectrogram.show(ui, &self.options));
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
            if button.on_hover_text("show what one has and another has not").clicked() {
                *shown = !*shown;
            }
            ui.add_space(size::GAP);
            let chosen = DIFFERENCES.iter().position(|d| *d == self.options.difference);
            let names = DIFFERENCES.map(DifferenceLane::name);
            ui.add_enabled_ui(self.options.lanes[3], |ui| {
                if let Some(n) = choice(ui, "Difference shown", chosen.unwrap_or(0), &names) {
                    self.options.difference = DIFFERENCES[n];
                }
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.add_space(36.0);
                let axes = [FrequencyAxis::Log, FrequencyAxis::Mel];
                let chosen = usize::from(self.options.axis == FrequencyAxis::Mel);
                if let Some(n) = choice(ui, "Frequency axis", chosen, &["Log", "Mel"]) {
                    self.options.axis = axes[n];
                }
            });
        });
    }

    fn token_map(
        &mut self,
        ui: &mut Ui,
        mut rect: Rect,
        desk: &mut Desk,
        live: Option<&Live>,
        feed: &TelemetryFeed,
    ) {
        let frames = feed.frames();
        let muted = desk.instance.params.muted.get();
        let options = TokenMapOptions {
            rate: live.map_or(48_000, |live| live.rate),
            playing: live.map(|live| live.status.playing),
            depths: depths(desk),
            muted,
            stream: self.stream.min(frames.streams().saturating_sub(1)),
        };
        rect.max.y = rect.max.y.max(rect.min.y + 40.0);
        let output = part(ui, rect, |ui| self.tokens.show(ui, frames, &options));
        if let Some(action) = output.action {
            desk.instance.params.muted.set(action.apply(muted, frames.layers()));
        }
    }
}

/// Layers of A and B that are heard.
fn depths(desk: &mut Desk) -> [usize; 2] {
    let codec = &desk.instance.params.codec;
    let layers = desk.instance.model.scale().layers();
    [&codec.depth_a, &codec.depth_b].map(|param| (desk.link.get(param).max(1) as usize).min(layers))
}

/// In place of something that is not there.
pub fn nothing(ui: &mut Ui, text: &str) {
    let theme = Theme::of(ui);
    ui.label(RichText::new(text).color(theme.weak));
}
