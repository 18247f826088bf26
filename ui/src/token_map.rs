//! The codes, layers by time, colored by code.

use egui::accesskit::Role;
use egui::{
    Align2, Color32, EventFilter, Key, Rect, Response, Sense, Stroke, StrokeKind, TextureOptions,
    Ui, WidgetInfo, pos2, vec2,
};

use crate::color_map::code_color;
use crate::ring_texture::RingTexture;
use crate::telemetry_feed::FrameWindow;
use crate::text::minus;
use crate::theme::{self, Lane, Theme, size};

/// Frames shown: 10 s at 12.5 a second.
const SHOWN: usize = 128;
/// Margins for the layers' numbers and for the depths, in points.
const LEFT: f32 = 28.0;
const RIGHT: f32 = 36.0;
/// Margins for the readout and for the time axis, in points.
const TOP: f32 = 16.0;
const BOTTOM: f32 = 14.0;

/// Options of a [`TokenMap`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenMapOptions {
    /// Sample rate of [`FrameWindow::position`], in Hz.
    pub rate: u32,
    /// The sample that is heard now ([`PortStatus::playing`](residue_engine::live::PortStatus)): frames are
    /// decoded before they are heard. Where it is `None`, the newest frame counts as now.
    pub playing: Option<u64>,
    /// Depths of lanes A and B, in layers. Layers beyond both are not heard.
    pub depths: [usize; 2],
    /// Bit k: layer k (from 0) is muted.
    pub muted: u64,
    /// The shown stream: 0, or 1 for the right channel of a mono model on stereo.
    pub stream: usize,
}

/// A user's action on the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenAction {
    /// Mute or unmute this layer, counted from 0.
    ToggleMute(usize),
    /// Mute or unmute all other layers.
    ToggleSolo(usize),
}

impl TokenAction {
    /// Returns the new mutes. `muted` has one bit per layer; only the first 64 layers can be muted.
    pub fn apply(self, muted: u64, layers: usize) -> u64 {
        let bit = |layer: usize| 1u64.checked_shl(layer as u32).unwrap_or(0);
        match self {
            Self::ToggleMute(layer) => muted ^ bit(layer),
            Self::ToggleSolo(layer) => {
                let all = bit(layers).wrapping_sub(1);
                let others = all & !bit(layer);
                if muted & all == others { 0 } else { others }
            }
        }
    }
}

/// The code under the pointer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenReading {
    /// RVQ layer, from 0.
    pub layer: usize,
    /// Start of the frame, in seconds from what is heard now; negative in the past.
    pub seconds: f64,
    /// The code.
    pub code: u32,
}

/// A map of the last frames' codes.
pub struct TokenMap {
    texture: RingTexture,
    /// The layer that keys change, counted from 0.
    layer: usize,
}

impl Default for TokenMap {
    fn default() -> Self {
        Self::new()
    }
}

/// The result of showing a [`TokenMap`].
pub struct TokenMapOutput {
    /// The response of the whole view.
    pub response: Response,
    /// The code under the pointer.
    pub reading: Option<TokenReading>,
    /// The action to apply.
    pub action: Option<TokenAction>,
}

impl TokenMap {
    /// Creates a map without data.
    pub fn new() -> Self {
        Self { texture: texture(1), layer: 0 }
    }

    /// Draws the map into the available space of `ui`.
    ///
    /// A click on a layer mutes it, a ctrl-click solos it. With the keyboard the arrows choose a layer, space
    /// mutes and S solos it. Muted layers, and those deeper than both lanes, are dimmed.
    pub fn show(
        &mut self,
        ui: &mut Ui,
        frames: &FrameWindow,
        options: &TokenMapOptions,
    ) -> TokenMapOutput {
        let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
        let theme = Theme::of(ui);
        let layers = frames.layers();
        self.layer = self.layer.min(layers.saturating_sub(1));
        let map = map_rect(rect);
        let pointer = ui
            .input(|input| input.pointer.hover_pos())
            .filter(|_| response.contains_pointer() && layers > 0);
        let pointed =
            pointer.filter(|at| at.x <= map.right() && map.y_range().contains(at.y)).map(|at| {
                ((layers as f32 * (at.y - map.top()) / map.height()) as usize).min(layers - 1)
            });
        let mut action = None;
        if response.clicked()
            && let Some(layer) = pointed
        {
            self.layer = layer;
            let solo = ui.input(|input| input.modifiers.command);
            action = Some(if solo {
                TokenAction::ToggleSolo(layer)
            } else {
                TokenAction::ToggleMute(layer)
            });
        }
        action = self.keys(ui, &response, layers).or(action);
        response.widget_info(|| {
            let muted = if is_muted(options.muted, self.layer) { ", muted" } else { "" };
            let label = match layers {
                0 => "Token map, no codes yet".to_owned(),
                _ => format!("Token map, {layers} layers, layer {}{muted}", self.layer + 1),
            };
            WidgetInfo::labeled(Role::ListBox, ui.is_enabled(), label)
        });
        let reading =
            pointer.filter(|at| map.contains(*at)).zip(pointed).and_then(|(at, layer)| {
                let back = ((map.right() - at.x) / map.width() * SHOWN as f32) as u64;
                let number = frames.total().checked_sub(1 + back)?;
                let code = frames.code(number, options.stream, layer)?;
                Some(TokenReading { layer, seconds: seconds(frames, number, options)?, code })
            });
        if ui.is_rect_visible(rect) {
            self.paint(ui, &theme, map, frames, options);
            if response.has_focus() && layers > 0 {
                let outline = Stroke::new(1.5, theme.text);
                let row = row_rect(map, layers, self.layer);
                ui.painter().rect_stroke(row, 0, outline, StrokeKind::Outside);
            }
            if let Some(layer) = pointed {
                let row = row_rect(map, layers, layer);
                let outline = Stroke::new(1.0, theme.weak);
                ui.painter().rect_stroke(row, 0, outline, StrokeKind::Outside);
            }
            let line = pos2(map.left(), rect.top() + TOP / 2.0 - 1.0);
            let text = match &reading {
                Some(TokenReading { layer, seconds, code }) => {
                    let time = minus(&format!("{seconds:.2} s"));
                    format!("{time}   layer {}   code {code}", layer + 1)
                }
                None if layers == 0 => "no codes yet".into(),
                None => format!("{layers} layers"),
            };
            let color = if reading.is_some() { theme.text } else { theme.weak };
            ui.painter().text(line, Align2::LEFT_CENTER, text, theme::body(), color);
        }
        TokenMapOutput { response, reading, action }
    }

    fn keys(&mut self, ui: &Ui, response: &Response, layers: usize) -> Option<TokenAction> {
        if !response.has_focus() || layers == 0 {
            return None;
        }
        let arrows = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        ui.input(|input| {
            let down = self.layer + input.num_presses(Key::ArrowDown);
            self.layer = down.saturating_sub(input.num_presses(Key::ArrowUp)).min(layers - 1);
            if input.key_pressed(Key::Space) {
                Some(TokenAction::ToggleMute(self.layer))
            } else if input.key_pressed(Key::S) {
                Some(TokenAction::ToggleSolo(self.layer))
            } else {
                None
            }
        })
    }

    fn paint(
        &mut self,
        ui: &Ui,
        theme: &Theme,
        map: Rect,
        frames: &FrameWindow,
        options: &TokenMapOptions,
    ) {
        let painter = ui.painter();
        painter.rect_filled(map, 0, theme.well);
        painter.rect_stroke(map, 0, theme.outline(), StrokeKind::Outside);
        let layers = frames.layers();
        if layers == 0 {
            return;
        }
        if self.texture.size()[1] != layers {
            self.texture = texture(layers);
        }
        let key = frames.epoch() << 9 | (options.stream as u64) << 1 | u64::from(theme.dark);
        self.texture.sync(ui.ctx(), frames.total(), key, |number, layer| {
            match frames.code(number, options.stream, layer) {
                Some(code) => code_color(code, theme),
                None => Color32::TRANSPARENT,
            }
        });
        self.texture.paint(painter, map, frames.total(), SHOWN, &[(0.0, 0.0), (1.0, 1.0)]);

        let row_height = map.height() / layers as f32;
        // Labels at the smallest power-of-two step at which they do not overlap.
        let step = [1, 2, 4, 8, 16, 32]
            .into_iter()
            .find(|step| row_height * *step as f32 >= size::SMALL)
            .unwrap_or(64);
        let deepest = options.depths[0].max(options.depths[1]);
        for layer in 0..layers {
            let row = row_rect(map, layers, layer);
            let muted = is_muted(options.muted, layer);
            if muted || layer >= deepest {
                painter.rect_filled(row, 0, Theme::faded(theme.well, 0.82));
            }
            if layers <= 64 && row_height >= 4.0 && layer > 0 {
                painter.hline(row.x_range(), row.top(), Stroke::new(1.0, theme.well));
            }
            let color = if muted || layer >= deepest { theme.line } else { theme.weak };
            let at = pos2(map.left() - 4.0, row.center().y);
            if muted {
                // Marked twice: dimmed and struck out.
                let ends = map.left() - 16.0..=map.left() - 4.0;
                painter.hline(ends, at.y, Stroke::new(1.0, theme.alert));
            } else if (layer + 1) % step == 0 {
                let text = (layer + 1).to_string();
                painter.text(at, Align2::RIGHT_CENTER, text, theme::small(), color);
            }
        }
        for (lane, depth) in [Lane::A, Lane::B].into_iter().zip(options.depths) {
            let depth = depth.clamp(1, layers);
            let y = map.top() + row_height * depth as f32;
            // Side by side where both are equally deep.
            let x = map.right() + if lane == Lane::A { 4.0 } else { 20.0 };
            let color = theme.lane(lane);
            painter.vline(x, map.top()..=y, Stroke::new(2.0, color));
            let name = if lane == Lane::A { "A" } else { "B" };
            let at = pos2(x + 3.0, y + 1.0);
            painter.text(at, Align2::LEFT_BOTTOM, name, theme::body(), color);
        }
        paint_time(ui, theme, map, frames, options);
    }
}

/// Creates the texture of a map.
fn texture(layers: usize) -> RingTexture {
    RingTexture::new("token map", [SHOWN, layers], TextureOptions::NEAREST)
}

/// Returns the rectangle of the map within the view.
pub(crate) fn map_rect(rect: Rect) -> Rect {
    Rect::from_min_max(
        rect.min + vec2(LEFT, TOP),
        pos2(rect.right() - RIGHT, rect.bottom() - BOTTOM),
    )
}

/// Returns the row of a layer; the first is at the top.
pub(crate) fn row_rect(map: Rect, layers: usize, layer: usize) -> Rect {
    let height = map.height() / layers.max(1) as f32;
    let top = map.top() + height * layer as f32;
    Rect::from_min_max(pos2(map.left(), top), pos2(map.right(), top + height))
}

fn is_muted(muted: u64, layer: usize) -> bool {
    layer < 64 && muted >> layer & 1 == 1
}

/// Returns the start of a frame in seconds from what is heard now.
fn seconds(frames: &FrameWindow, number: u64, options: &TokenMapOptions) -> Option<f64> {
    let newest = || frames.position(frames.total().checked_sub(1)?);
    let now = options.playing.or_else(newest)?;
    let samples = frames.position(number)? as f64 - now as f64;
    Some(samples / f64::from(options.rate.max(1)))
}

/// Returns by how many frames, with fractions, what is heard now lies before the end of the newest one.
fn behind(frames: &FrameWindow, playing: u64) -> Option<f64> {
    let oldest = frames.total() - frames.len() as u64;
    let number = (oldest..frames.total())
        .rev()
        .find(|number| frames.position(*number).is_some_and(|start| start <= playing))?;
    let start = frames.position(number)?;
    let length = match frames.position(number + 1) {
        Some(next) => next.saturating_sub(start),
        None => start.saturating_sub(frames.position(number.checked_sub(1)?)?),
    };
    let heard = (playing - start) as f64 / length.max(1) as f64;
    Some((frames.total() - number) as f64 - heard.min(1.0))
}

/// Paints the playback position, and the time axis below the map at the frames' positions: missing frames
/// make its seconds shorter.
fn paint_time(ui: &Ui, theme: &Theme, map: Rect, frames: &FrameWindow, options: &TokenMapOptions) {
    let painter = ui.painter();
    let x = |back: f64| map.right() - map.width() * (back / SHOWN as f64) as f32;
    let label = map.bottom() + 3.0;
    let now = options.playing.and_then(|playing| behind(frames, playing));
    let now = now.filter(|back| *back <= SHOWN as f64);
    if let Some(back) = now {
        let stroke = Stroke::new(1.0, theme.text);
        painter.vline(x(back), map.top()..=map.bottom() + 3.0, stroke);
    }
    let name = if options.playing.is_some() { "now" } else { "newest" };
    let right = x(now.unwrap_or(0.0)).clamp(map.left(), map.right() - 10.0);
    let at = pos2(if now.is_some() { right + 10.0 } else { map.right() }, label);
    if now.is_some() || options.playing.is_none() {
        painter.text(at, Align2::RIGHT_TOP, name, theme::small(), theme.weak);
    }
    let mut next = 2.0;
    // "newest" needs room of its own.
    let mut last = right - 18.0;
    let shown = frames.total().saturating_sub(SHOWN as u64)..frames.total();
    for number in shown.rev() {
        let Some(back) = seconds(frames, number, options).map(|seconds| -seconds) else { break };
        if back < next {
            continue;
        }
        let at = x((frames.total() - number) as f64);
        if last - at >= 40.0 && at - map.left() > 12.0 {
            painter.vline(at, map.bottom()..=map.bottom() + 3.0, theme.outline());
            let text = format!("\u{2212}{next} s");
            painter.text(pos2(at, label), Align2::CENTER_TOP, text, theme::small(), theme.weak);
            last = at;
        }
        next = (back / 2.0).floor() * 2.0 + 2.0;
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::live::FrameCodes;

    use super::*;

    #[test]
    fn the_playback_position_lies_before_the_newest_frame() {
        let mut frames = FrameWindow::new();
        for n in 0..10 {
            frames.push(&FrameCodes { position: n * 100, streams: 1, layers: 1, codes: &[1] });
        }
        assert_eq!(behind(&frames, 750), Some(2.5));
        assert_eq!(behind(&frames, 950), Some(0.5));
        assert_eq!(behind(&frames, 5000), Some(0.0));
        let options =
            TokenMapOptions { rate: 100, playing: Some(750), depths: [1; 2], muted: 0, stream: 0 };
        assert_eq!(seconds(&frames, 9, &options), Some(1.5));
        assert_eq!(seconds(&frames, 7, &options), Some(-0.5));
        let newest = TokenMapOptions { playing: None, ..options };
        assert_eq!(seconds(&frames, 7, &newest), Some(-2.0));
        assert_eq!(behind(&FrameWindow::new(), 0), None);
    }

    #[test]
    fn mutes_and_solos() {
        let mute = TokenAction::ToggleMute;
        let solo = TokenAction::ToggleSolo;
        assert_eq!(mute(3).apply(0, 16), 0b1000);
        assert_eq!(mute(3).apply(0b1001, 16), 0b0001);
        assert_eq!(solo(0).apply(0, 4), 0b1110);
        assert_eq!(solo(0).apply(0b1110, 4), 0);
        assert_eq!(solo(1).apply(0b1110, 4), 0b1101);
        assert_eq!(solo(63).apply(0, 64), u64::MAX >> 1);
        // Layers beyond the mask stay as they are.
        assert_eq!(mute(64).apply(5, 128), 5);
        assert_eq!(solo(2).apply(0, 128), !4);
    }
}
