//! Geometry of the editor: strips cut off a rectangle, and what is drawn into them.

use egui::{Align, Layout, Rect, RichText, Stroke, Ui, UiBuilder, pos2};
use residue_ui::Theme;
use residue_ui::theme::size;

/// Width of the column at the right, in points.
pub const RIGHT_COLUMN: f32 = 290.0;

/// Draws into a rectangle, from the top down.
pub fn draw_in<R>(ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min));
    ui.scope_builder(builder, add).inner
}

/// Cuts a strip off the top.
pub fn take_top(rest: &mut Rect, height: f32) -> Rect {
    let at = (rest.top() + height).min(rest.bottom());
    let taken = Rect::from_min_max(rest.min, pos2(rest.right(), at));
    rest.min.y = at;
    taken
}

/// Cuts a strip off the bottom.
pub fn take_bottom(rest: &mut Rect, height: f32) -> Rect {
    let at = (rest.bottom() - height).max(rest.top());
    let taken = Rect::from_min_max(pos2(rest.left(), at), rest.max);
    rest.max.y = at;
    taken
}

/// Cuts a strip off the left.
pub fn take_left(rest: &mut Rect, width: f32) -> Rect {
    let at = (rest.left() + width).min(rest.right());
    let taken = Rect::from_min_max(rest.min, pos2(at, rest.bottom()));
    rest.min.x = at;
    taken
}

/// Cuts a strip off the right.
pub fn take_right(rest: &mut Rect, width: f32) -> Rect {
    let at = (rest.right() - width).max(rest.left());
    let taken = Rect::from_min_max(pos2(at, rest.top()), rest.max);
    rest.max.x = at;
    taken
}

/// Draws a thin vertical line with space around it, in a strip cut off the left.
pub fn vertical_divider(ui: &Ui, theme: &Theme, rest: &mut Rect) {
    let gap = take_left(rest, 2.0 * size::SPACE);
    let stroke = Stroke::new(1.0, theme.surface);
    ui.painter().vline(gap.center().x, gap.shrink(4.0).y_range(), stroke);
}

/// Draws a weak text in the place of a view that has nothing to show.
pub fn placeholder(ui: &mut Ui, text: &str) {
    let theme = Theme::of(ui);
    ui.label(RichText::new(text).color(theme.weak));
}
