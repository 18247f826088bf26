//! A large button with a key.

use egui::accesskit::Role;
use egui::{Align2, Response, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2};
use residue_ui::Theme;
use residue_ui::theme::{self, size};

/// The look of a [`big_button`].
pub(super) struct ButtonStyle<'a> {
    /// In large letters.
    pub text: &'a str,
    /// Under it.
    pub detail: &'a str,
    /// The key that does the same.
    pub key: &'a str,
    /// For screen readers.
    pub name: &'a str,
    /// It is the one of several that is on.
    pub chosen: bool,
    /// In points.
    pub size: Vec2,
}

/// A large button.
pub(super) fn big_button(ui: &mut Ui, look: &ButtonStyle<'_>) -> Response {
    let (rect, response) = ui.allocate_exact_size(look.size, Sense::click());
    let theme = Theme::of(ui);
    let (enabled, painter) = (ui.is_enabled(), ui.painter());
    let fill = match (look.chosen, enabled && response.hovered()) {
        (true, _) => theme.well,
        (false, true) => theme.line,
        (false, false) => theme.surface,
    };
    painter.rect_filled(rect, size::RADIUS, fill);
    if look.chosen {
        painter.rect_stroke(rect, size::RADIUS, Stroke::new(1.5, theme.weak), StrokeKind::Inside);
        let bar = rect.with_min_y(rect.bottom() - 4.0);
        painter.rect_filled(bar, size::RADIUS, theme.text);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, size::RADIUS, Stroke::new(1.5, theme.text), StrokeKind::Inside);
    }
    let fade = if enabled { 1.0 } else { 0.4 };
    let ink = Theme::faded(theme.text, fade);
    let weak = Theme::faded(theme.weak, fade);
    let lift = if look.detail.is_empty() { 0.0 } else { 9.0 };
    let middle = rect.center() - egui::vec2(0.0, lift);
    let large = egui::FontId::proportional(if look.text.len() == 1 { 28.0 } else { size::VALUE });
    painter.text(middle, Align2::CENTER_CENTER, look.text, large, ink);
    if !look.detail.is_empty() {
        let galley = painter.layout(
            look.detail.to_owned(),
            theme::small(),
            weak,
            (rect.width() - 12.0).max(1.0),
        );
        let at = pos2(rect.center().x - galley.size().x / 2.0, rect.center().y + 10.0);
        painter.galley(at, galley, weak);
    }
    let corner = rect.right_top() + egui::vec2(-7.0, 6.0);
    painter.text(corner, Align2::RIGHT_TOP, look.key, theme::small(), weak);
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, look.chosen, look.name));
    response
}
