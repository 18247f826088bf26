//! Drawing spectrograms.

use std::hash::{DefaultHasher, Hash, Hasher};

use egui::accesskit::Role;
use egui::{
    Align2, Color32, Pos2, Rect, Response, Sense, Stroke, StrokeKind, TextureOptions, Ui,
    WidgetInfo, pos2, vec2,
};
use residue_engine::measure::MeasureError;

use super::analysis::{Analysis, COLUMNS, RANGE, ROWS};
use super::{DifferenceLane, FrequencyAxis, frequency_scale, level_scale};
use crate::color_map::ColorMap;
use crate::ring_texture::RingTexture;
use crate::telemetry_feed::TelemetryFeed;
use crate::text::minus;
use crate::theme::{self, Lane, Theme, size};

/// Room for frequency labels, and for the colour scale.
const LEFT: f32 = 28.0;
const RIGHT: f32 = 36.0;
/// Room for the readout, and for the time axis.
const TOP: f32 = 16.0;
const BOTTOM: f32 = 14.0;

/// How spectrograms are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrogramOptions {
    /// Which lanes are shown, by [`Lane`]; only they are computed.
    pub lanes: [bool; 4],
    /// What the fourth one is.
    pub difference: DifferenceLane,
    /// Frequency axis.
    pub axis: FrequencyAxis,
    /// Level in dBFS of the faintest colour.
    pub low: f32,
    /// Level in dBFS of the strongest colour.
    pub high: f32,
}

impl Default for SpectrogramOptions {
    /// All lanes, dry minus A, logarithmic, -100 to 0 dBFS.
    fn default() -> Self {
        Self {
            lanes: [true; 4],
            difference: DifferenceLane::default(),
            axis: FrequencyAxis::default(),
            low: -100.0,
            high: 0.0,
        }
    }
}

/// What lies under the mouse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpectrogramReading {
    /// The lane pointed at.
    pub lane: Lane,
    /// Seconds, 0 now, negative before.
    pub seconds: f64,
    /// Hertz.
    pub hertz: f64,
    /// dBFS of each lane there, by [`Lane`]; `None` where nothing was measured.
    pub levels: [Option<f32>; 4],
}

/// Spectrograms of running audio.
pub struct LiveSpectrogram {
    analysis: Analysis,
    textures: [RingTexture; 4],
    seconds: f64,
    epoch: u64,
    colors: Option<(Theme, ColorMap)>,
    options: SpectrogramOptions,
}

impl LiveSpectrogram {
    /// The last `seconds` of audio at `rate` hertz. Takes 2 MB.
    ///
    /// # Errors
    /// If the rate is 0.
    pub fn new(rate: u32, seconds: f64) -> Result<Self, MeasureError> {
        let texture = |lane: Lane| {
            let name = ["dry", "lane A", "lane B", "difference"][lane as usize];
            RingTexture::new(name, [COLUMNS, ROWS], TextureOptions::LINEAR)
        };
        let seconds = if seconds.is_finite() { seconds.clamp(0.5, 600.0) } else { 8.0 };
        Ok(Self {
            analysis: Analysis::new(rate, seconds)?,
            textures: Lane::ALL.map(texture),
            seconds,
            epoch: 0,
            colors: None,
            options: SpectrogramOptions::default(),
        })
    }

    /// Takes what `feed` read last; begins anew if the feed did.
    pub fn update(&mut self, feed: &TelemetryFeed) {
        if feed.epoch() != self.epoch {
            self.epoch = feed.epoch();
            self.analysis.clear();
        }
        self.analysis.gap(feed.gap());
        self.push(feed.samples());
    }

    /// Takes the next samples of dry, A and B from elsewhere.
    pub fn push(&mut self, samples: &[[f32; 3]]) {
        self.analysis.push(samples, self.options.lanes);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.analysis.clear();
    }

    /// Samples of the transform's window.
    pub fn window(&self) -> usize {
        self.analysis.window()
    }

    /// Draws the spectrograms into the room of `ui`. What `options` say of lanes and difference holds
    /// for the samples of the next update.
    ///
    /// The response covers everything; the reading is there while the mouse points at a picture.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        options: &SpectrogramOptions,
    ) -> (Response, Option<SpectrogramReading>) {
        self.options = *options;
        self.analysis.set_difference(options.difference);
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::hover());
        response.widget_info(|| {
            let names: Vec<&str> = Lane::ALL
                .into_iter()
                .filter(|lane| options.lanes[*lane as usize])
                .map(|lane| self.name(lane))
                .collect();
            let label =
                format!("Spectrograms of {}, last {} seconds", names.join(", "), self.seconds);
            WidgetInfo::labeled(Role::GraphicsObject, true, label)
        });
        if !ui.is_rect_visible(rect) {
            return (response, None);
        }
        let theme = Theme::of(ui);
        let panes = panes(rect, options.lanes);
        let reading = ui
            .input(|input| input.pointer.hover_pos())
            .filter(|_| response.contains_pointer())
            .and_then(|at| self.read(at, &panes));
        self.sync(ui, &theme);
        for (lane, pane) in &panes {
            self.paint(ui, &theme, *lane, *pane);
        }
        if let [(_, first), .., (_, last)] | [(_, first @ last)] = panes[..] {
            let all = first.union(last);
            self.paint_time(ui, &theme, all);
            if let Some((_, map)) = &self.colors {
                let bar = Rect::from_min_max(
                    pos2(all.right() + 6.0, all.top()),
                    pos2(all.right() + 13.0, all.bottom()),
                );
                level_scale(ui.painter(), &theme, map, bar, options.low, options.high);
            }
            self.paint_reading(ui, &theme, rect, &panes, reading.as_ref());
        }
        (response, reading)
    }

    fn name(&self, lane: Lane) -> &'static str {
        match lane {
            Lane::Dry => "Dry",
            Lane::A => "A",
            Lane::B => "B",
            Lane::Difference => self.options.difference.name(),
        }
    }

    /// Uploads the columns that are new.
    fn sync(&mut self, ui: &Ui, theme: &Theme) {
        if self.colors.as_ref().is_none_or(|(of, _)| of != theme) {
            self.colors = Some((*theme, ColorMap::of(theme)));
        }
        let Some((_, map)) = &self.colors else { return };
        let SpectrogramOptions { low, high, difference, lanes, .. } = self.options;
        let scale = 1.0 / (high - low).max(1.0);
        for (lane, texture) in Lane::ALL.into_iter().zip(&mut self.textures) {
            if !lanes[lane as usize] {
                continue;
            }
            let mut key = DefaultHasher::new();
            (theme.dark, low.to_bits(), high.to_bits()).hash(&mut key);
            (lane == Lane::Difference).then_some(difference).hash(&mut key);
            let analysis = &self.analysis;
            texture.sync(ui.ctx(), analysis.written(), key.finish(), |column, row| match analysis
                .level(lane, column, row)
            {
                Some(level) => map.at((level - low) * scale),
                None => Color32::TRANSPARENT,
            });
        }
    }

    fn paint(&self, ui: &Ui, theme: &Theme, lane: Lane, pane: Rect) {
        let painter = ui.painter().with_clip_rect(pane);
        painter.rect_filled(pane, 0, theme.well);
        let (written, axis) = (self.analysis.written(), self.options.axis);
        let texture = &self.textures[lane as usize];
        texture.paint(&painter, pane, written, COLUMNS, &axis.bands(&RANGE));
        frequency_scale(ui.painter(), theme, pane, axis, &RANGE);
        // Which lane it is, on a ground of its own: the picture may be of any colour.
        let text = painter.layout_no_wrap(self.name(lane).into(), theme::body(), theme.lane(lane));
        let chip = Rect::from_min_size(
            pane.min + vec2(3.0, 3.0),
            vec2(text.size().x + 10.0, text.size().y + 2.0),
        );
        painter.rect_filled(chip, size::RADIUS, Theme::faded(theme.background, 0.86));
        painter.galley(chip.min + vec2(5.0, 1.0), text, theme.text);
        ui.painter().rect_stroke(pane, 0, theme.outline(), StrokeKind::Outside);
    }

    fn paint_time(&self, ui: &Ui, theme: &Theme, all: Rect) {
        let painter = ui.painter();
        let step = [0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0]
            .into_iter()
            .find(|step| f64::from(all.width()) * step / self.seconds >= 44.0)
            .unwrap_or(120.0);
        let mut seconds = 0.0;
        while seconds <= self.seconds + 1e-9 {
            let x = all.right() - all.width() * (seconds / self.seconds) as f32;
            painter.vline(x, all.bottom()..=all.bottom() + 3.0, theme.outline());
            let (align, text) = if seconds == 0.0 {
                (Align2::RIGHT_TOP, "now".to_owned())
            } else {
                (Align2::CENTER_TOP, format!("\u{2212}{seconds} s"))
            };
            // The first label would reach under the frequencies.
            if x - all.left() > 12.0 || seconds == 0.0 {
                let at = pos2(x, all.bottom() + 3.0);
                painter.text(at, align, text, theme::small(), theme.weak);
            }
            seconds += step;
        }
    }

    fn paint_reading(
        &self,
        ui: &Ui,
        theme: &Theme,
        rect: Rect,
        panes: &[(Lane, Rect)],
        reading: Option<&SpectrogramReading>,
    ) {
        let painter = ui.painter();
        let line = rect.top() + TOP / 2.0 - 1.0;
        let Some(reading) = reading else {
            let at = pos2(rect.right(), line);
            painter.text(at, Align2::RIGHT_CENTER, "dBFS", theme::small(), theme.weak);
            return;
        };
        let cross = Stroke::new(1.0, Theme::faded(theme.text, 0.7));
        for (_, pane) in panes {
            let x = pane.right() + pane.width() * (reading.seconds / self.seconds) as f32;
            let at = self.options.axis.position(reading.hertz, &RANGE) as f32;
            painter.vline(x, pane.y_range(), cross);
            painter.hline(pane.x_range(), pane.top() + pane.height() * at, cross);
        }
        let level = |lane: Lane| match reading.levels[lane as usize] {
            Some(level) => minus(&format!("{} {level:.1}", self.name(lane))),
            None => format!("{} \u{2013}", self.name(lane)),
        };
        let line_of = |lanes: &[Lane]| {
            let lanes = lanes.iter().map(|lane| (level(*lane), theme.lane(*lane)));
            let place = [minus(&format!("{:.2} s", reading.seconds)), hertz(reading.hertz)];
            let place = place.map(|text| (text, theme.text));
            let unit = ("dBFS".to_owned(), theme.weak);
            let parts = place.into_iter().chain(lanes).chain([unit]);
            let parts: Vec<_> = parts
                .map(|(text, color)| painter.layout_no_wrap(text, theme::body(), color))
                .collect();
            let gaps = (parts.len() - 1) as f32 * size::SPACE;
            (parts.iter().map(|part| part.size().x).sum::<f32>() + gaps, parts)
        };
        let shown: Vec<Lane> = panes.iter().map(|(lane, _)| *lane).collect();
        let mut x = rect.left() + LEFT;
        let (mut width, mut parts) = line_of(&shown);
        if x + width > rect.right() {
            // No room for all of them.
            (width, parts) = line_of(&[reading.lane]);
        }
        if x + width > rect.right() {
            x = rect.left();
        }
        for part in parts {
            let (width, height) = (part.size().x, part.size().y);
            painter.galley(pos2(x, line - height / 2.0), part, theme.text);
            x += width + size::SPACE;
        }
    }

    /// What lies at a point.
    fn read(&self, at: Pos2, panes: &[(Lane, Rect)]) -> Option<SpectrogramReading> {
        let (lane, pane) = panes.iter().find(|(_, pane)| pane.contains(at))?;
        let back = f64::from((pane.right() - at.x) / pane.width()).clamp(0.0, 1.0);
        let height = f64::from((at.y - pane.top()) / pane.height());
        let hertz = self.options.axis.hertz(height, &RANGE);
        let row = (FrequencyAxis::Log.position(hertz, &RANGE) * ROWS as f64) as usize;
        let written = self.analysis.written();
        let column = written.checked_sub(1 + (back * COLUMNS as f64) as u64);
        let level = |lane| column.and_then(|column| self.analysis.level(lane, column, row));
        let levels =
            Lane::ALL.map(|lane| self.options.lanes[lane as usize].then(|| level(lane)).flatten());
        Some(SpectrogramReading { lane: *lane, seconds: -back * self.seconds, hertz, levels })
    }
}

/// Where the lanes that are shown go, one under another.
fn panes(rect: Rect, lanes: [bool; 4]) -> Vec<(Lane, Rect)> {
    let shown: Vec<Lane> = Lane::ALL.into_iter().filter(|lane| lanes[*lane as usize]).collect();
    let inner = Rect::from_min_max(
        rect.min + vec2(LEFT, TOP),
        pos2(rect.right() - RIGHT, rect.bottom() - BOTTOM),
    );
    let height = inner.height() / shown.len().max(1) as f32;
    let pane = |n: usize| {
        let top = inner.top() + n as f32 * height;
        let bottom = top + height - size::GAP;
        Rect::from_min_max(pos2(inner.left(), top), pos2(inner.right(), bottom))
    };
    shown.into_iter().enumerate().map(|(n, lane)| (lane, pane(n))).collect()
}

/// A frequency for a label.
fn hertz(hertz: f64) -> String {
    if hertz < 1000.0 { format!("{hertz:.0} Hz") } else { format!("{:.2} kHz", hertz / 1000.0) }
}
