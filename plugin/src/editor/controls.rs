//! Small controls that only the editor has: switches, choices, list rows, captions.

use egui::accesskit::Role;
use egui::{
    Align2, EventFilter, Key, Rect, Response, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};
use nice_plug::params::enums::Enum;
use nice_plug::params::{BoolParam, EnumParam};
use residue_ui::Theme;
use residue_ui::theme::{self, size};

use super::host_params::HostParams;

/// Height of switches and choices, in points.
pub const HEIGHT: f32 = 24.0;

/// Draws the caption of a section.
pub fn caption(ui: &mut Ui, text: &str) {
    let theme = Theme::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 14.0), Sense::hover());
    let text = text.to_uppercase();
    ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, text, theme::small(), theme.weak);
}

/// Draws a switch as a button that stays down, as wide as its text and at least `width` points.
pub fn toggle(ui: &mut Ui, on: bool, text: &str, width: f32, alert: bool) -> Response {
    let theme = Theme::of(ui);
    let ink = |text: &str| ui.painter().layout_no_wrap(text.into(), theme::body(), theme.text);
    let width = width.max(ink(text).size().x + 2.0 * size::SPACE);
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Switch, ui.is_enabled(), on, text));
    let color = if alert { theme.alert } else { theme.text };
    segment(ui, &theme, rect, &response, on, text, color);
    response
}

/// Draws a button with a drop-down mark, a text and a weak `detail` behind it. `label` is its name for
/// screen readers.
pub fn menu_button(ui: &mut Ui, label: &str, text: &str, detail: &str) -> Response {
    let theme = Theme::of(ui);
    let lay = |text: &str, ink| ui.painter().layout_no_wrap(text.into(), theme::body(), ink);
    let (text, detail) = (lay(text, theme.text), lay(detail, theme.weak));
    let gap = if detail.size().x > 0.0 { 6.0 } else { 0.0 };
    let mark = 14.0;
    let width = text.size().x + gap + detail.size().x + mark + 2.0 * size::SPACE;
    let (rect, response) = ui.allocate_exact_size(vec2(width, HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), label));
    let painter = ui.painter();
    let ground = if response.hovered() { theme.line } else { theme.surface };
    painter.rect_filled(rect, size::RADIUS, ground);
    focus(ui, &theme, rect, &response);
    let center = rect.center().y;
    let mut left = rect.left() + size::SPACE;
    for galley in [text, detail] {
        let (width, top) = (galley.size().x, center - galley.size().y / 2.0 - 0.5);
        painter.galley(pos2(left, top), galley, theme.text);
        left += width + gap;
    }
    let at = pos2(rect.right() - size::SPACE - 3.0, center + 0.5);
    let corners = [(-4.0, -2.0), (4.0, -2.0), (0.0, 3.0)].map(|(x, y)| at + vec2(x, y));
    painter.add(Shape::convex_polygon(corners.to_vec(), theme.weak, Stroke::NONE));
    response
}

/// The state of a row of a list.
#[derive(Clone, Copy)]
pub struct ListRow {
    /// Width in points.
    pub width: f32,
    /// Whether the row is the chosen one.
    pub chosen: bool,
    /// Whether the row can be chosen.
    pub enabled: bool,
}

/// Draws a row of a list: the first text at the left, the second, weaker, at the right.
pub fn list_row(ui: &mut Ui, label: &str, texts: [&str; 2], row: ListRow) -> Response {
    let theme = Theme::of(ui);
    let ListRow { width, chosen, enabled } = row;
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(width, 26.0), sense);
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, chosen, label));
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    if chosen {
        painter.rect_filled(rect, size::RADIUS, theme.well);
        let bar = Rect::from_min_max(rect.min, pos2(rect.left() + 3.0, rect.bottom()));
        painter.rect_filled(bar, 1, theme.text);
    } else if enabled && response.hovered() {
        painter.rect_filled(rect, size::RADIUS, theme.surface);
    }
    focus(ui, &theme, rect, &response);
    let ink = if enabled { theme.text } else { theme.weak };
    let center = rect.center().y - 0.5;
    let left = pos2(rect.left() + size::SPACE, center);
    let end = painter.text(left, Align2::LEFT_CENTER, texts[0], theme::body(), ink).right();
    let detail = painter.layout_no_wrap(texts[1].into(), theme::body(), theme.weak);
    // A long text starts behind the first one, and is clipped at its end.
    let right = rect.right() - size::SPACE - detail.size().x;
    let at = pos2(right.max(end + size::SPACE), center - detail.size().y / 2.0);
    painter.galley(at, detail, theme.weak);
    response
}

/// Draws choices side by side, as one stop of the tab key. Returns the index of a newly chosen one.
pub fn segmented_choice(ui: &mut Ui, label: &str, chosen: usize, names: &[&str]) -> Option<usize> {
    let theme = Theme::of(ui);
    let widths: Vec<f32> = names
        .iter()
        .map(|name| {
            let text = ui.painter().layout_no_wrap((*name).into(), theme::body(), theme.text);
            text.size().x + 2.0 * size::SPACE
        })
        .collect();
    let total: f32 = widths.iter().sum();
    let (rect, whole) = ui.allocate_exact_size(vec2(total, HEIGHT), Sense::hover());
    ui.painter().rect_filled(rect, size::RADIUS, theme.surface);
    let ids: Vec<_> = names.iter().map(|name| whole.id.with(name)).collect();
    let mut newly_chosen = None;
    if let Some(id) = ids.get(chosen)
        && ui.memory(|memory| memory.has_focus(*id))
    {
        let arrows =
            EventFilter { horizontal_arrows: true, vertical_arrows: true, ..Default::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(*id, arrows));
        let (back, on) = ui.input(|input| {
            let count = |key| input.num_presses(key);
            (
                count(Key::ArrowLeft) + count(Key::ArrowUp),
                count(Key::ArrowRight) + count(Key::ArrowDown),
            )
        });
        let to = (chosen + on).saturating_sub(back).min(names.len() - 1);
        if to != chosen {
            newly_chosen = Some(to);
            ui.memory_mut(|memory| memory.request_focus(ids[to]));
        }
    }
    let shown = newly_chosen.unwrap_or(chosen);
    let mut left = rect.left();
    for (n, (name, width)) in names.iter().zip(&widths).enumerate() {
        let part = Rect::from_min_size(pos2(left, rect.top()), vec2(*width, HEIGHT));
        left += width;
        let sense = if n == shown { Sense::click() } else { Sense::CLICK };
        let response = ui.interact(part, ids[n], sense);
        if response.clicked() {
            response.request_focus();
            newly_chosen = (n != chosen).then_some(n).or(newly_chosen);
        }
        response.widget_info(|| {
            let text = format!("{label}: {name}");
            WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), n == shown, text)
        });
        segment(ui, &theme, part, &response, n == shown, name, theme.text);
    }
    newly_chosen
}

/// Paints a button or one of several choices.
fn segment(
    ui: &Ui,
    theme: &Theme,
    rect: Rect,
    response: &Response,
    on: bool,
    text: &str,
    accent: egui::Color32,
) {
    let painter = ui.painter();
    painter.rect_filled(rect, size::RADIUS, theme.surface);
    let inner = rect.shrink(1.0);
    if on {
        painter.rect_filled(inner, size::RADIUS, theme.well);
        let bar = Rect::from_min_max(pos2(inner.left(), inner.bottom() - 2.0), inner.max);
        painter.rect_filled(bar, 1, accent);
    } else if response.hovered() {
        painter.rect_filled(inner, size::RADIUS, theme.line);
    }
    focus(ui, theme, inner, response);
    let ink = match (on, ui.is_enabled()) {
        (_, false) => theme.line,
        (true, true) => accent,
        (false, true) => theme.weak,
    };
    let at = pos2(rect.center().x, rect.center().y - 0.5);
    painter.text(at, Align2::CENTER_CENTER, text, theme::body(), ink);
}

/// Paints the outline of a control that has the focus.
fn focus(ui: &Ui, theme: &Theme, rect: Rect, response: &Response) {
    if response.has_focus() {
        let stroke = Stroke::new(1.5, theme.text);
        ui.painter().rect_stroke(rect, size::RADIUS, stroke, StrokeKind::Inside);
    }
}

/// Draws a switch for a parameter.
pub fn param_switch(
    ui: &mut Ui,
    host: &mut HostParams,
    param: &BoolParam,
    text: &str,
    width: f32,
    alert: bool,
) -> Response {
    let on = host.get(param);
    let response = toggle(ui, on, text, width, alert);
    if response.clicked() {
        host.set(param, !on);
    }
    response
}

/// Draws a choice for a parameter, with its caption above it.
pub fn param_choice<T: Enum + Copy + PartialEq + 'static>(
    ui: &mut Ui,
    host: &mut HostParams,
    param: &EnumParam<T>,
    label: &str,
    names: &[&str],
) {
    let theme = Theme::of(ui);
    ui.label(egui::RichText::new(label).color(theme.weak));
    let chosen = host.get(param).to_index();
    if let Some(index) = segmented_choice(ui, label, chosen, names) {
        host.set(param, T::from_index(index));
    }
}
