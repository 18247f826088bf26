//! A knob: turned with mouse, wheel and keys, or typed.

use std::f32::consts::{PI, TAU};

use egui::accesskit::{Action, ActionData};
use egui::{
    Align2, Color32, Event, EventFilter, Id, Key, MouseWheelUnit, Pos2, Rect, Response, Sense,
    Shape, Stroke, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use crate::knob_scale::KnobScale;
use crate::text::minus;
use crate::theme::{self, Theme, size};

/// Points of travel from one end of the range to the other.
const TRAVEL: f64 = 220.0;
/// How much slower a drag with shift is.
const FINE: f64 = 0.1;
/// Points of smooth scrolling that count as a notch of a wheel.
const NOTCH: f64 = 24.0;
/// Most detents that are marked; more would run together.
const MOST_TICKS: f64 = 64.0;
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
/// A host that wants gestures begins one at [`Response::drag_started`], ends it at
/// [`Response::drag_stopped`], and makes one of its own around every other [`Response::changed`].
pub struct Knob<'a> {
    label: &'a str,
    quantity: &'a dyn KnobScale,
    accent: Option<Color32>,
    diameter: f32,
}

/// What a gesture needs to remember from frame to frame.
#[derive(Clone, Copy, Default)]
struct Travel {
    /// Where a drag is, between detents.
    value: f64,
    /// Where the mouse was.
    y: f32,
    /// Wheel movement that was not enough for a step yet.
    wheel: f64,
}

/// A text that is being typed.
#[derive(Clone, Default)]
struct Entry {
    text: String,
    /// Not shown yet.
    fresh: bool,
    /// Return was pressed on something that cannot be read.
    refused: bool,
}

impl<'a> Knob<'a> {
    /// Named `label`, which no other knob of the same `Ui` is, turning `quantity`.
    pub fn new(label: &'a str, quantity: &'a dyn KnobScale) -> Self {
        Self { label, quantity, accent: None, diameter: 56.0 }
    }

    /// In a colour of its own.
    pub fn accent(self, accent: Color32) -> Self {
        Self { accent: Some(accent), ..self }
    }

    /// So many points across.
    pub fn diameter(self, diameter: f32) -> Self {
        Self { diameter, ..self }
    }

    /// Draws the knob and lets a person turn it.
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
        *value = self.quantity.snap(*value);
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
                let value = minus(&self.quantity.format(*value));
                painter.text(
                    text.center(),
                    Align2::CENTER_CENTER,
                    value,
                    theme::value(),
                    theme.text,
                );
            }
            if let Some(detail) = self.quantity.detail(*value) {
                let at = pos2(rect.center().x, text.bottom() + 1.0);
                painter.text(at, Align2::CENTER_TOP, detail, theme::small(), theme.weak);
            }
        }
        self.describe(ui, &response, *value);
        response
    }

    fn gestures(&self, ui: &Ui, response: &mut Response, value: &mut f64) {
        let quantity = self.quantity;
        let (low, high) = quantity.range().into_inner();
        let shift = ui.input(|input| input.modifiers.shift);
        let mut travel: Travel = ui.data(|data| data.get_temp(response.id)).unwrap_or_default();

        let reset = response.double_clicked()
            || (response.clicked() && ui.input(|input| input.modifiers.command));
        if reset {
            *value = quantity.default();
        }
        if response.clicked() || response.drag_started() {
            response.request_focus();
        }
        if let Some(pointer) = response.interact_pointer_pos() {
            // Where the drag is recognised, not where the button went down: what moved until then
            // was to tell it from a click, and would be a jump.
            if response.drag_started() {
                (travel.value, travel.y) = (*value, pointer.y);
            }
            let speed = (high - low) / TRAVEL * if shift { FINE } else { 1.0 };
            let moved = f64::from(travel.y - pointer.y) * speed;
            travel.y = pointer.y;
            if response.dragged() {
                travel.value = (travel.value + moved).clamp(low, high);
                *value = quantity.snap(travel.value);
            }
        }

        let step = if shift { quantity.fine_step() } else { quantity.step() };
        let mut add = 0.0;
        if response.hovered() {
            // Steps are counted from the wheel itself: egui's smooth scrolling goes on after it has
            // stopped. What lies around the knob must not scroll along.
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
                add += (count(Key::PageUp) - count(Key::PageDown)) * quantity.page();
                if input.key_pressed(Key::Home) {
                    *value = low;
                }
                if input.key_pressed(Key::End) {
                    *value = high;
                }
                if input.key_pressed(Key::Delete) || input.key_pressed(Key::Backspace) {
                    *value = quantity.default();
                }
            });
        }
        ui.input(|input| {
            let count = |action| input.num_accesskit_action_requests(response.id, action) as f64;
            add += (count(Action::Increment) - count(Action::Decrement)) * quantity.step();
            for request in input.accesskit_action_requests(response.id, Action::SetValue) {
                match &request.data {
                    Some(ActionData::NumericValue(number)) => *value = quantity.snap(*number),
                    Some(ActionData::Value(text)) => {
                        if let Some(number) = quantity.parse(text) {
                            *value = quantity.snap(number);
                        }
                    }
                    _ => {}
                }
            }
        });
        if add != 0.0 {
            *value = quantity.snap(*value + add);
        }
        ui.data_mut(|data| data.insert_temp(response.id, travel));
    }

    /// The value as text, which a click turns into an entry; whether it is one.
    fn typing(&self, ui: &mut Ui, knob: &Response, rect: Rect, value: &mut f64) -> bool {
        let id = knob.id.with("entry");
        let mut entry: Option<Entry> = ui.data(|data| data.get_temp(id));
        if entry.is_none() {
            let sense = if ui.is_enabled() { Sense::CLICK } else { Sense::hover() };
            let clicked = ui.interact(rect, knob.id.with("value"), sense).clicked();
            let typed = knob.has_focus().then(|| ui.input(first_of_number)).flatten();
            let asked =
                clicked || (knob.has_focus() && ui.input(|input| input.key_pressed(Key::Enter)));
            if let Some(text) = typed {
                entry = Some(Entry { text, fresh: true, refused: false });
            } else if asked {
                entry =
                    Some(Entry { text: self.quantity.format(*value), fresh: true, refused: false });
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
            match self.quantity.parse(&entry.text) {
                Some(number) if !escape => {
                    *value = self.quantity.snap(number);
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
            ui.data_mut(|data| data.remove_temp::<Entry>(id));
        }
        open
    }

    fn paint(&self, ui: &Ui, theme: &Theme, response: &Response, dial: Rect, value: f64) {
        let painter = ui.painter();
        let quantity = self.quantity;
        let accent = self.accent.unwrap_or(theme.text);
        let (centre, radius) = (dial.center(), dial.width() / 2.0 - 5.0);
        let angle =
            |value: f64| PI / 2.0 + GAP / 2.0 + (TAU - GAP) * quantity.position(value) as f32;
        let at = |angle: f32, radius: f32| centre + radius * Vec2::angled(angle);
        let arc = |from: f32, to: f32, stroke: Stroke| {
            let steps = (((to - from).abs() / TAU * 90.0).ceil() as usize).max(1);
            let point = |n: usize| at(from + (to - from) * n as f32 / steps as f32, radius);
            Shape::line((0..=steps).map(point).collect::<Vec<Pos2>>(), stroke)
        };
        let (low, high) = quantity.range().into_inner();
        let track = theme.line;
        painter.add(arc(angle(low), angle(high), Stroke::new(3.0, track)));
        // What can go either way starts in the middle.
        let origin = if low < 0.0 && high > 0.0 { 0.0 } else { low };
        painter.add(arc(angle(origin), angle(value), Stroke::new(3.0, accent)));
        let hovered = response.hovered() || response.dragged();
        let body = if hovered { theme.line } else { theme.surface };
        painter.circle_filled(centre, radius - 5.0, body);
        if response.has_focus() {
            painter.circle_stroke(centre, radius - 5.0, Stroke::new(1.5, theme.text));
        }
        let pointer = angle(value);
        painter.line_segment(
            [at(pointer, (radius - 5.0) * 0.35), at(pointer, radius - 7.5)],
            Stroke::new(2.0, theme.text),
        );
        if let Some(grid) = quantity.detent()
            && (high - low) / grid <= MOST_TICKS
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
        let quantity = self.quantity;
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), value, self.label));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            let (low, high) = quantity.range().into_inner();
            node.set_value(match quantity.detail(value) {
                Some(detail) => format!("{}, {detail}", quantity.format(value)),
                None => quantity.format(value),
            });
            node.set_min_numeric_value(low);
            node.set_max_numeric_value(high);
            node.set_numeric_value_step(quantity.step());
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

/// Notches of the wheel in an event, up counting positive.
fn notches(event: &Event) -> f64 {
    match event {
        Event::MouseWheel { unit: MouseWheelUnit::Point, delta, .. } => f64::from(delta.y) / NOTCH,
        Event::MouseWheel { delta, .. } => f64::from(delta.y),
        _ => 0.0,
    }
}

/// What was typed, if a number can begin with it.
fn first_of_number(input: &egui::InputState) -> Option<String> {
    input.events.iter().find_map(|event| match event {
        Event::Text(text) => {
            let begins = |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '+' | '\u{2212}');
            text.starts_with(begins).then(|| text.clone())
        }
        _ => None,
    })
}

/// Puts the cursor where typing should go on: behind a digit that began an entry, else around all of
/// the text, so that typing replaces it.
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
