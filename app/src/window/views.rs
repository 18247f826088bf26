//! The live views: spectrograms, tokens, codebook use, distance, load and latency.

use egui::{
    Align, Button, ComboBox, Layout, Rect, RichText, ScrollArea, Ui, UiBuilder, pos2, vec2,
};
use residue_engine::live::PortStatus;
use residue_engine::measure::MeasureError;
use residue_ui::theme::size;
use residue_ui::{
    CodebookStats, DifferenceLane, DistanceView, FrequencyAxis, Lane, LiveSpectrogram, LoadHistory,
    SpectrogramOptions, TelemetryFeed, TelemetryRequest, Theme, TokenMap, TokenMapOptions, load,
};

use super::preferences::ViewPreferences;
use super::{parts, round_trip};
use crate::studio::Studio;

/// Width of the column beside the spectrograms, in points.
const COLUMN: f32 = 286.0;
/// Heights in it.
const TOKENS: f32 = 168.0;
const CODEBOOKS: f32 = 142.0;
const DISTANCE: f32 = 52.0;
/// Seconds of spectrograms to choose from.
const SECONDS: [f64; 4] = [4.0, 8.0, 16.0, 30.0];

/// The live views' data, for one sample rate.
pub struct LiveViews {
    pub feed: TelemetryFeed,
    pub history: LoadHistory,
    spectrogram: Option<LiveSpectrogram>,
    distance: Option<DistanceView>,
    tokens: TokenMap,
    codebooks: CodebookStats,
    options: SpectrogramOptions,
    rate: u32,
    seconds: f64,
    epoch: u64,
    /// Views that were visible in the last frame, and are updated in the next.
    seen: Seen,
}

#[derive(Clone, Copy, Default)]
struct Seen {
    spectrograms: bool,
    tokens: bool,
    codebooks: bool,
    distance: bool,
}

impl Default for LiveViews {
    fn default() -> Self {
        Self {
            feed: TelemetryFeed::new(),
            history: LoadHistory::default(),
            spectrogram: None,
            distance: None,
            tokens: TokenMap::new(),
            codebooks: CodebookStats::new(),
            options: SpectrogramOptions::default(),
            rate: 0,
            seconds: 0.0,
            epoch: 0,
            seen: Seen::default(),
        }
    }
}

impl LiveViews {
    /// Stops all work.
    pub fn rest(&mut self) {
        self.feed.close();
        self.seen = Seen::default();
    }

    /// Pictures for another rate, or of another length, begin anew.
    fn prepare(&mut self, rate: u32, seconds: f64) -> Result<(), MeasureError> {
        if (rate, seconds) != (self.rate, self.seconds) || self.spectrogram.is_none() {
            if rate != self.rate || self.distance.is_none() {
                self.distance = Some(DistanceView::new(rate)?);
            }
            self.spectrogram = Some(LiveSpectrogram::new(rate, seconds)?);
            (self.rate, self.seconds) = (rate, seconds);
        }
        Ok(())
    }
}

/// Reads telemetry since the last frame, for the views that were visible then.
pub fn update(views: &mut LiveViews, studio: &Studio, seconds: f64) {
    let epoch = studio.port_epoch();
    if epoch != views.epoch {
        views.feed.close();
        views.epoch = epoch;
    }
    let codebook_size = studio.model().facts.as_ref().map_or(0, |facts| facts.codebook_size);
    let Some(control) = studio.control() else {
        views.feed.close();
        return;
    };
    // A rate of 0 is that of no device.
    if views.prepare(control.config().rate, seconds).is_err() {
        return;
    }
    let seen = views.seen;
    let wanted = TelemetryRequest {
        lanes: seen.spectrograms || seen.distance,
        codes: seen.tokens || seen.codebooks,
    };
    views.feed.update(control, wanted);
    if let Some(spectrogram) = views.spectrogram.as_mut().filter(|_| seen.spectrograms) {
        spectrogram.update(&views.feed);
    }
    if let Some(distance) = views.distance.as_mut().filter(|_| seen.distance) {
        distance.update(&views.feed);
    }
    if seen.codebooks && codebook_size > 0 {
        views.codebooks.update(views.feed.frames(), codebook_size);
    }
}

/// The choices that a person makes in the views.
pub struct ViewChoices<'a> {
    /// Which views are unfolded.
    pub unfolded: &'a mut ViewPreferences,
    /// Seconds that spectrograms show.
    pub seconds: &'a mut f64,
}

/// Draws all that are unfolded.
pub fn show(
    ui: &mut Ui,
    views: &mut LiveViews,
    studio: &mut Studio,
    status: Option<&PortStatus>,
    choices: &mut ViewChoices<'_>,
) {
    let rect = ui.available_rect_before_wrap();
    let left =
        Rect::from_min_max(rect.min, pos2(rect.right() - COLUMN - size::SPACE, rect.bottom()));
    let right = Rect::from_min_max(pos2(rect.right() - COLUMN, rect.top()), rect.max);
    views.seen = Seen::default();
    let down = Layout::top_down(Align::Min);
    ui.scope_builder(UiBuilder::new().max_rect(left).layout(down), |ui| {
        spectrograms(ui, views, studio, choices);
    });
    ui.scope_builder(UiBuilder::new().max_rect(right).layout(down), |ui| {
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = size::GAP;
            column(ui, views, studio, status, choices.unfolded);
        });
    });
}

fn spectrograms(
    ui: &mut Ui,
    views: &mut LiveViews,
    studio: &Studio,
    choices: &mut ViewChoices<'_>,
) {
    if let Some(difference) = DifferenceLane::heard(studio.settings().source) {
        views.options.difference = difference;
    }
    let lanes = &mut choices.unfolded.spectrograms;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = size::GAP;
        ui.spacing_mut().interact_size.y = 18.0;
        parts::heading(ui, "SPECTROGRAMS");
        let names = ["Dry", "A", "B", views.options.difference.name()];
        for ((lane, name), shown) in Lane::ALL.into_iter().zip(names).zip(lanes.iter_mut()) {
            let color = if *shown { Theme::of(ui).lane(lane) } else { Theme::of(ui).weak };
            let button = Button::selectable(*shown, RichText::new(name).color(color));
            let response = ui.add(button).on_hover_text("show or hide");
            let (chosen, enabled) = (*shown, response.enabled());
            response.widget_info(|| {
                let name = format!("Spectrogram of {name}");
                egui::WidgetInfo::selected(egui::accesskit::Role::Button, enabled, chosen, name)
            });
            if response.clicked() {
                *shown = !*shown;
            }
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            for (axis, name) in [(FrequencyAxis::Mel, "Mel"), (FrequencyAxis::Log, "Log")] {
                if ui.selectable_label(views.options.axis == axis, name).clicked() {
                    views.options.axis = axis;
                }
            }
            let text = |seconds: f64| format!("{seconds:.0} s");
            let shown = text(*choices.seconds);
            let combo = ComboBox::from_id_salt("seconds").selected_text(&shown).width(52.0);
            let response = combo
                .show_ui(ui, |ui| {
                    for seconds in SECONDS {
                        ui.selectable_value(choices.seconds, seconds, text(seconds));
                    }
                })
                .response;
            response.widget_info(|| {
                let role = egui::accesskit::Role::ComboBox;
                egui::WidgetInfo::labeled(role, true, "Seconds shown")
            });
        });
    });
    if !lanes.contains(&true) {
        return;
    }
    views.options.lanes = *lanes;
    // Views are drawn also when nothing runs, of the last sound.
    let rate = if views.rate == 0 { 48_000 } else { views.rate };
    if views.prepare(rate, *choices.seconds).is_err() {
        return;
    }
    if let Some(spectrogram) = &mut views.spectrogram {
        views.seen.spectrograms = true;
        spectrogram.show(ui, &views.options);
    }
}

fn column(
    ui: &mut Ui,
    views: &mut LiveViews,
    studio: &mut Studio,
    status: Option<&PortStatus>,
    unfolded: &mut ViewPreferences,
) {
    let ViewPreferences { tokens, codebooks, distance, load, latency, .. } = unfolded;
    let width = ui.available_width();
    let round_trip = studio.round_trip();
    let rate = views.rate.max(1);
    let facts = studio.model().facts.clone();
    let before = studio.settings();
    let mut settings = before;
    let layers = facts.as_ref().map_or(1, |facts| facts.layers);
    let depths = settings.frames.depths.map(|depth| depth.min(layers));

    let mut action = None;
    views.seen.tokens = parts::folding(ui, "TOKENS", tokens, |ui| {
        fixed(ui, width, TOKENS, |ui| {
            let options = TokenMapOptions {
                rate,
                playing: status.map(|status| status.playing),
                depths,
                muted: settings.frames.muted_layers,
                stream: 0,
            };
            action = views.tokens.show(ui, views.feed.frames(), &options).action;
        });
    });
    if let Some(action) = action {
        let muted = action.apply(settings.frames.muted_layers, layers);
        settings.frames.muted_layers = muted;
    }
    views.seen.codebooks = parts::folding(ui, "CODEBOOK USE", codebooks, |ui| {
        let frame_rate = facts.as_ref().map_or(0.0, |facts| 1000.0 / facts.frame_ms.max(1e-3));
        fixed(ui, width, CODEBOOKS, |ui| {
            views.codebooks.show(ui, depths, frame_rate);
        });
    });
    views.seen.distance = parts::folding(ui, "DISTANCE", distance, |ui| {
        if let Some(distance) = &views.distance {
            distance.show(ui, DISTANCE);
        }
    });
    parts::folding(ui, "LOAD", load, |ui| match status {
        Some(status) => {
            self::load(ui, status, &views.history, rate);
        }
        None => nothing(ui),
    });
    let inner = studio.control().map(|control| control.latency());
    parts::folding(ui, "LATENCY", latency, |ui| match (&round_trip, inner) {
        (Some(parts), _) => {
            round_trip::show(ui, parts);
        }
        // A file comes from nowhere: only the codec takes time.
        (None, Some(latency)) => {
            residue_ui::latency(ui, &latency, rate);
        }
        (None, None) => nothing(ui),
    });
    if settings != before {
        studio.set_settings(settings);
    }
}

fn nothing(ui: &mut Ui) {
    ui.label(RichText::new("no sound is running").color(Theme::of(ui).weak));
}

/// A piece of a column with a room of its own.
fn fixed(ui: &mut Ui, width: f32, height: f32, add: impl FnOnce(&mut Ui)) {
    let (rect, _) = ui.allocate_exact_size(vec2(width, height), egui::Sense::hover());
    add(&mut ui.new_child(UiBuilder::new().max_rect(rect)));
}
