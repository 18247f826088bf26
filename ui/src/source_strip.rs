//! What is heard: one of six, side by side.

use egui::accesskit::Role;
use egui::{
    Align2, EventFilter, Key, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use residue_engine::live::ListeningSource;

use crate::theme::{self, Lane, Theme, size};

/// Height in points.
const HEIGHT: f32 = 40.0;
/// Narrowest button.
const WIDTH: f32 = 62.0;

/// What a source is called.
pub fn name(source: ListeningSource) -> &'static str {
    match source {
        ListeningSource::Dry => "Dry",
        ListeningSource::A => "A",
        ListeningSource::B => "B",
        ListeningSource::AMinusB => "A\u{2212}B",
        ListeningSource::DryMinusA => "Dry\u{2212}A",
        ListeningSource::DryMinusB => "Dry\u{2212}B",
    }
}

/// The lane whose colour a source has.
pub fn lane(source: ListeningSource) -> Lane {
    match source {
        ListeningSource::Dry => Lane::Dry,
        ListeningSource::A => Lane::A,
        ListeningSource::B => Lane::B,
        ListeningSource::AMinusB | ListeningSource::DryMinusA | ListeningSource::DryMinusB => {
            Lane::Difference
        }
    }
}

/// What a key chooses when `source` is heard: D, A and B what they say, X the other one of A and B
/// (A from anything else). The caller decides when keys are meant for this.
pub fn shortcut(key: Key, source: ListeningSource) -> Option<ListeningSource> {
    match key {
        Key::D => Some(ListeningSource::Dry),
        Key::A => Some(ListeningSource::A),
        Key::B => Some(ListeningSource::B),
        Key::X if source == ListeningSource::A => Some(ListeningSource::B),
        Key::X => Some(ListeningSource::A),
        _ => None,
    }
}

/// The strip, as wide as `ui`. `depths` are the texts of the depths of A and B, such as `2 kbps`.
///
/// Tab goes to the chosen source, the arrow keys to its neighbours.
pub fn source_strip(ui: &mut Ui, source: &mut ListeningSource, depths: [&str; 2]) -> Response {
    let count = ListeningSource::ALL.len() as f32;
    let width = ui.available_width().clamp(WIDTH * count, 110.0 * count);
    let (rect, mut response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::hover());
    let before = *source;
    let ids = ListeningSource::ALL.map(|source| response.id.with(name(source)));
    let index = |source: ListeningSource| {
        ListeningSource::ALL.iter().position(|s| *s == source).unwrap_or(0)
    };

    let at = index(before);
    if ui.memory(|memory| memory.has_focus(ids[at])) {
        let arrows =
            EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(ids[at], arrows));
        let (back, on) = ui.input(|input| {
            let count = |key| input.num_presses(key);
            (
                count(Key::ArrowLeft) + count(Key::ArrowUp),
                count(Key::ArrowRight) + count(Key::ArrowDown),
            )
        });
        let to = (at + on).saturating_sub(back).min(ListeningSource::ALL.len() - 1);
        if to != at {
            *source = ListeningSource::ALL[to];
            ui.memory_mut(|memory| memory.request_focus(ids[to]));
        }
    }

    let segment = |n: usize| {
        let step = rect.width() / count;
        let left = rect.left() + step * n as f32;
        Rect::from_min_size(pos2(left, rect.top()), vec2(step, HEIGHT))
    };
    let parts: Vec<Response> = (0..ListeningSource::ALL.len())
        .map(|n| {
            // One stop for the tab key: what is chosen.
            let sense = if n == index(*source) { Sense::click() } else { Sense::CLICK };
            let part = ui.interact(segment(n), ids[n], sense);
            if part.clicked() {
                *source = ListeningSource::ALL[n];
                part.request_focus();
            }
            part
        })
        .collect();

    let theme = Theme::of(ui);
    let painter = ui.painter();
    painter.rect_filled(rect, size::RADIUS, theme.surface);
    for (n, part) in parts.iter().enumerate() {
        let this = ListeningSource::ALL[n];
        let (chosen, rect) = (this == *source, segment(n).shrink(1.0));
        let accent = theme.lane(lane(this));
        if chosen {
            painter.rect_filled(rect, size::RADIUS, theme.well);
            let bar = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 3.0), rect.max);
            painter.rect_filled(bar, 1, accent);
        } else if part.hovered() {
            painter.rect_filled(rect, size::RADIUS, theme.line);
        }
        if part.has_focus() {
            let stroke = Stroke::new(1.5, theme.text);
            painter.rect_stroke(rect, size::RADIUS, stroke, StrokeKind::Inside);
        }
        let depth = match this {
            ListeningSource::A => Some(depths[0]),
            ListeningSource::B => Some(depths[1]),
            _ => None,
        };
        let ink = if chosen { accent } else { theme.text };
        let line = if depth.is_some() { rect.center().y - 7.0 } else { rect.center().y - 1.0 };
        let font = theme::value();
        painter.text(pos2(rect.center().x, line), Align2::CENTER_CENTER, name(this), font, ink);
        if let Some(depth) = depth {
            let under = pos2(rect.center().x, rect.center().y + 8.0);
            painter.text(under, Align2::CENTER_CENTER, depth, theme::small(), theme.weak);
        }
        part.widget_info(|| {
            let label = match depth {
                Some(depth) => format!("Listen to {}, {depth}", name(this)),
                None => format!("Listen to {}", name(this)),
            };
            WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), chosen, label)
        });
    }
    if *source != before {
        response.mark_changed();
    }
    response
}
