//! A knob, controlled with mouse, wheel and keys, or by typing a value.

use std::f32::consts::{PI, TAU};

use egui::accesskit::{Action, ActionData};
use egui::{
    Align2, Color32, Event, EventFilter, Id, Key, MouseWheelUnit, Pos2, Rect, Response, Sense,
    Shape, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::knob_scale::KnobScale;
use crate::text::minus;
use crate::theme::{self, Theme, size};

/// Drag distance from one end of the range to the other, in points.
const TRAVEL: f64 = 220.0;
/// Speed of a drag with shift, relative to one without.
const FINE: f64 = 0.1;
/// Smooth scrolling that counts as a notch of the wheel, in points.
const NOTCH: f64 = 24.0;
/// Most detents that get tick marks.
const MAX_TICKS: f64 = 64.0;
/// The gap at the bottom of the dial, in radians.
const GAP: f32 = TAU / 4.0;

/// A knob over a [`KnobScale`].
///
/// | to | do |
/// |---|---|
/// | turn | drag up or down, wheel, arrow keys; with shift finely |
/// | turn far | page keys, home, end |
/// | reset | double-click, ctrl-click, delete |
/// | type | click the value, or press enter or a digit |
///
/// A caller that reports gestures begins one at [`Response::drag_started`], ends it at
/// [`Response::drag_stopped`], and makes one of its own around every other [`Response::changed`].
pub struct Knob<'a> {
    label: &'a str,
    scale: &'a dyn KnobScale,
    accent: Option<Color32>,
    diameter: f32,
}

/// The state of a gesture between frames.
#[derive(Clone, Copy, Default)]
struct GestureState {
    /// The dragged value, before it snaps to the grid.
    value: f64,
    /// The pointer's last position.
    y: f32,
    /// Wheel movement that has not made up a step yet, in notches.
    wheel: f64,
}

/// A value that is being typed.
#[derive(Clone, Default)]
struct TypedEntry {
    text: String,
    /// Whether it has not been shown yet.
    fresh: bool,
    /// Whether enter was pressed on a text that cannot be parsed.
    refused: bool,
}

impl<'a> Knob<'a> {
    /// Creates a knob over `scale`. No other knob of the same `Ui` may have the same `label`.
    pub fn new(label: &'a str, scale: &'a dyn KnobScale) -> Self {
        Self { label, scale, accent: None, diameter: 56.0 }
    }

    /// Sets the color of the arc.
    pub fn accent(self, accent: Color32) -> Self {
        Self { accent: Some(accent), ..self }
    }

    /// Sets the diameter, in points.
    pub fn diameter(self, diameter: f32) -> Self {
        Self { diameter, ..self }
    }

    /// Draws the knob, and applies the user's changes to `value`.
    pub fn show(self, ui: &mut Ui, value: &mut f64) -> Response {
        let line = size::VALUE + size::GAP;
        let width = self.diameter.max(84.0);
        let height = size::BODY + size::GAP + self.diameter + line + size::SMALL + size::GAP;
        let (rect, _) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        let top = rect.top() + size::BODY + size::GAP;
        let dial = Rect::from_center_size(
            pos2(rect.center().x, top + self.diameter / 2.0),
            Vec2::splat(self.diameter),
        );
        let text = Rect::from_min_size(pos2(rect.left(), dial.bottom() - 2.0), vec2(width, line));
        let id = ui.make_persistent_id(("knob", self.label));
        let mut response = ui.interact(dial, id, Sense::click_and_drag());
        let before = *value;
        let enabled = ui.is_enabled();
        if enabled {
            self.gestures(ui, &mut response, value);
        }
        let typing = self.typing(ui, &response, text, value);
        *value = self.scale.snap(*value);
        if *value != before {
            response.mark_changed();
        }
        if ui.is_rect_visible(rect) {
            let theme = Theme::of(ui);
            let painter = ui.painter();
            painter.text(
                rect.center_top(),
                Align2::CENTER_TOP,
                self.label,
                theme::body(),
                theme.weak,
            );
            self.paint(ui, &theme, &response, dial, *value);
            if !typing {
                let value = minus(&self.scale.format(*value));
                painter.text(
                    text.center(),
                    Align2::CENTER_CENTER,
                    value,
                    theme::value(),
                    theme.text,
                );
            }
            if let Some(detail) = self.scale.detail(*value) {
                let at = pos2(rect.center().x, text.bottom() + 1.0);
                painter.text(at, Align2::CENTER_TOP, detail, theme::small(), theme.weak);
            }
        }
        self.describe(ui, &response, *value);
        response
    }

    fn gestures(&self, ui: &Ui, response: &mut Response, value: &mut f64) {
        let scale = self.scale;
        let (low, high) = scale.range().into_inner();
        let shift = ui.input(|input| input.modifiers.shift);
        let mut travel: GestureState =
            ui.data(|data| data.get_temp(response.id)).unwrap_or_default();

        let reset = response.double_clicked()
            || (response.clicked() && ui.input(|input| input.modifiers.command));
        if reset {
            *value = scale.default();
        }
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        if let Some(pointer) = response.interact_pointer_pos() {
            // From where the drag is recognized, not from where the button went down: the movement until
            // then told it from a click, and would be a jump.
            if response.drag_started() {
                (travel.value, travel.y) = (*value, pointer.y);
            }
            let speed = (high - low) / TRAVEL * if shift { FINE } else { 1.0 };
            let moved = f64::from(travel.y - pointer.y) * speed;
            travel.y = pointer.y;
            if response.dragged() {
                travel.value = (travel.value + moved).clamp(low, high);
                *value = scale.snap(travel.value);
            }
        }

        let step = if shift { scale.fine_step() } else { scale.step() };
        let mut add = 0.0;
        if response.hovered() {
            // Steps are counted from wheel events, because egui's smooth scrolling continues after the
            // wheel has stopped. The surroundings must not scroll along.
            travel.wheel += ui.input_mut(|input| {
                input.smooth_scroll_delta = Vec2::ZERO;
                input.events.iter().map(notches).sum::<f64>()
            });
            let whole = travel.wheel.trunc();
            travel.wheel -= whole;
            add += whole * step;
        } else {
            travel.wheel = 0.0;
        }
        if response.has_focus() {
            ui.memory_mut(|memory| {
                let arrows = EventFilter {
                    horizontal_arrows: true,
                    vertical_arrows: true,
                    ..Default::default()
                };
                memory.set_focus_lock_filter(response.id, arrows);
            });
            ui.input(|input| {
                let count = |key| f64::from(input.num_presses(key) as u32);
                let up = count(Key::ArrowUp) + count(Key::ArrowRight);
                let down = count(Key::ArrowDown) + count(Key::ArrowLeft);
                add += (up - down) * step;
                add += (count(Key::PageUp) - count(Key::PageDown)) * scale.page();
                if input.key_pressed(Key::Home) {
                    *value = low;
                }
                if input.key_pressed(Key::End) {
                    *value = high;
                }
                if input.key_pressed(Key::Delete) || input.key_pressed(Key::Backspace) {
                    *value = scale.default();
                }
            });
        }
        ui.input(|input| {
            let count = |action| input.num_accesskit_action_requests(response.id, action) as f64;
            add += (count(Action::Increment) - count(Action::Decrement)) * scale.step();
            for request in input.accesskit_action_requests(response.id, Action::SetValue) {
                match &request.data {
                    Some(ActionData::NumericValue(number)) => *value = scale.snap(*number),
                    Some(ActionData::Value(text)) => {
                        if let Some(number) = scale.parse(text) {
                            *value = scale.snap(number);
                        }
                    }
                    _ => {}
                }
            }
        });
        if add != 0.0 {
            *value = scale.snap(*value + add);
        }
        ui.data_mut(|data| data.insert_temp(response.id, travel));
    }

    /// Handles the typed entry, which a click on the value opens; returns whether it is open.
    fn typing(&self, ui: &mut Ui, knob: &Response, rect: Rect, value: &mut f64) -> bool {
        let id = knob.id.with("entry");
        let mut entry: Option<TypedEntry> = ui.data(|data| data.get_temp(id));
        if entry.is_none() {
            let sense = if ui.is_enabled() { Sense::CLICK } else { Sense::hover() };
            let clicked = ui.interact(rect, knob.id.with("value"), sense).clicked();
            let typed = knob.has_focus().then(|| ui.input(start_of_number)).flatten();
            let asked =
                clicked || (knob.has_focus() && ui.input(|input| input.key_pressed(Key::Enter)));
            if let Some(text) = typed {
                entry = Some(TypedEntry { text, fresh: true, refused: false });
            } else if asked {
                entry = Some(TypedEntry {
                    text: self.scale.format(*value),
                    fresh: true,
                    refused: false,
                });
            }
        }
        let Some(mut entry) = entry else { return false };
        let theme = Theme::of(ui);
        let fresh = std::mem::take(&mut entry.fresh);
        let editor = TextEdit::singleline(&mut entry.text)
            .id(id)
            .font(theme::value())
            .align(egui::Align2::CENTER_CENTER)
            .margin(egui::Margin::ZERO)
            .text_color(if entry.refused { theme.alert } else { theme.text });
        let editing = ui.put(rect, editor);
        editing.widget_info(|| {
            let label = format!("{} as text", self.label);
            WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, label)
        });
        if editing.changed() {
            entry.refused = false;
        }
        if fresh {
            editing.request_focus();
            select(ui, id, &entry.text);
        }
        let mut open = true;
        if editing.lost_focus() && !fresh {
            let (enter, escape) =
                ui.input(|input| (input.key_pressed(Key::Enter), input.key_pressed(Key::Escape)));
            match self.scale.parse(&entry.text) {
                Some(number) if !escape => {
                    *value = self.scale.snap(number);
                    open = false;
                }
                None if enter => {
                    entry.refused = true;
                    editing.request_focus();
                }
                _ => open = false,
            }
            if !open && (enter || escape) {
                knob.request_focus();
            }
        }
        if open {
            ui.data_mut(|data| data.insert_temp(id, entry));
        } else {
            ui.data_mut(|data| data.remove_temp::<TypedEntry>(id));
        }
        open
    }

    fn paint(&self, ui: &Ui, theme: &Theme, response: &Response, dial: Rect, value: f64) {
        let painter = ui.painter();
        let scale = self.scale;
        let accent = self.accent.unwrap_or(theme.text);
        let (center, radius) = (dial.center(), dial.width() / 2.0 - 5.0);
        let angle = |value: f64| PI / 2.0 + GAP / 2.0 + (TAU - GAP) * scale.position(value) as f32;
        let at = |angle: f32, radius: f32| center + radius * Vec2::angled(angle);
        let arc = |from: f32, to: f32, stroke: Stroke| {
            let steps = (((to - from).abs() / TAU * 90.0).ceil() as usize).max(1);
            let point = |n: usize| at(from + (to - from) * n as f32 / steps as f32, radius);
            Shape::line((0..=steps).map(point).collect::<Vec<Pos2>>(), stroke)
        };
        let (low, high) = scale.range().into_inner();
        let track = theme.line;
        painter.add(arc(angle(low), angle(high), Stroke::new(3.0, track)));
        // The arc of a scale with both signs starts at zero.
        let origin = if low < 0.0 && high > 0.0 { 0.0 } else { low };
        painter.add(arc(angle(origin), angle(value), Stroke::new(3.0, accent)));
        let hovered = response.hovered() || response.dragged();
        let body = if hovered { theme.line } else { theme.surface };
        painter.circle_filled(center, radius - 5.0, body);
        if response.has_focus() {
            painter.circle_stroke(center, radius - 5.0, Stroke::new(1.5, theme.text));
        }
        let pointer = angle(value);
        painter.line_segment(
            [at(pointer, (radius - 5.0) * 0.35), at(pointer, radius - 7.5)],
            Stroke::new(2.0, theme.text),
        );
        if let Some(grid) = scale.detent()
            && (high - low) / grid <= MAX_TICKS
        {
            for n in 0..=((high - low) / grid).round() as usize {
                let tick = angle(low + n as f64 * grid);
                let reached = low + n as f64 * grid <= value;
                let color = if reached { accent } else { track };
                let ends = [at(tick, radius + 3.0), at(tick, radius + 5.0)];
                painter.line_segment(ends, Stroke::new(1.0, color));
            }
        }
    }

    fn describe(&self, ui: &Ui, response: &Response, value: f64) {
        let scale = self.scale;
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), value, self.label));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            let (low, high) = scale.range().into_inner();
            node.set_value(match scale.detail(value) {
                Some(detail) => format!("{}, {detail}", scale.format(value)),
                None => scale.format(value),
            });
            node.set_min_numeric_value(low);
            node.set_max_numeric_value(high);
            node.set_numeric_value_step(scale.step());
            node.add_action(Action::SetValue);
            if value < high {
                node.add_action(Action::Increment);
            }
            if value > low {
                node.add_action(Action::Decrement);
            }
        });
    }
}

/// Returns the wheel notches of an event, positive upwards.
fn notches(event: &Event) -> f64 {
    match event {
        Event::MouseWheel { unit: MouseWheelUnit::Point, delta, .. } => f64::from(delta.y) / NOTCH,
        Event::MouseWheel { delta, .. } => f64::from(delta.y),
        _ => 0.0,
    }
}

/// Returns the typed text, if a number can begin with it.
fn start_of_number(input: &egui::InputState) -> Option<String> {
    input.events.iter().find_map(|event| match event {
        Event::Text(text) => {
            let begins = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '\u{2212}');
            text.starts_with(begins).then(|| text.clone())
        }
        _ => None,
    })
}

/// Puts the cursor behind a digit that opened the entry; otherwise selects all, so that typing replaces
/// it.
fn select(ui: &Ui, id: Id, text: &str) {
    use egui::text::{CCursor, CCursorRange};
    let end = CCursor::new(text.chars().count());
    let begun = text.chars().count() == 1;
    let range =
        if begun { CCursorRange::one(end) } else { CCursorRange::two(CCursor::new(0), end) };
    let mut state = egui::text_edit::TextEditState::load(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(range));
    state.store(ui.ctx(), id);
}
