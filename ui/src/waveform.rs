//! A file's waveform: where it plays, and what of it repeats.

use egui::accesskit::{Action, ActionData, Role};
use egui::{
    CursorIcon, EventFilter, Key, Mesh, Rect, Response, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::theme::{self, Lane, Theme, size};
use crate::time_axis::time_axis;

/// Room for the time axis.
const AXIS: f32 = 13.0;
/// Points within which an end of the loop is taken hold of.
const GRIP: f32 = 5.0;
/// What an arrow key adds, and with shift.
const STEP: f64 = 1.0;
const FINE_STEP: f64 = 0.1;
/// A drag shorter than this is a click.
const SHORTEST_DRAG: f32 = 3.0;

/// Where a file is, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timeline {
    /// What is heard now.
    pub position: f64,
    /// All of it.
    pub length: f64,
    /// What repeats, from and to.
    pub region: Option<(f64, f64)>,
}

/// What a person did to the waveform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WaveformAction {
    /// Go there.
    Seek(f64),
    /// Repeat from there to there, or nothing.
    Loop(Option<(f64, f64)>),
}

/// A time with tenths: `1:02.3`.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).floor() as u64;
    format!("{}:{:02}.{}", tenths / 600, tenths / 10 % 60, tenths % 10)
}

/// What a drag does, between its start and its end.
#[derive(Clone, Copy)]
struct Drag {
    /// The end of the loop that stays, in seconds.
    anchor: f64,
    /// The end that moves.
    moving: f64,
}

/// The waveform of `peaks` (least and greatest sample of parts of equal length), in the room of `ui`.
///
/// A click seeks, a drag chooses what repeats, or moves an end of it; a double click repeats nothing.
/// With the keyboard the arrows seek, with shift finely, home goes to the start, `[` and `]` put an
/// end of the loop where it plays, delete repeats nothing.
pub fn waveform(
    ui: &mut Ui,
    peaks: &[[f32; 2]],
    timeline: &Timeline,
) -> (Response, Option<WaveformAction>) {
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    let picture = Rect::from_min_max(rect.min, pos2(rect.right(), rect.bottom() - AXIS));
    let scale = Scale { picture, length: timeline.length.max(1e-3) };
    let (drag, dragged) = drag(ui, &response, &scale, timeline);
    let action = dragged.or_else(|| keys(ui, &response, timeline));
    if ui.is_rect_visible(rect) {
        let region = match drag {
            Some(drag) => Some(ordered(drag.anchor, drag.moving)),
            None => timeline.region,
        };
        paint(ui, &response, &scale, peaks, timeline.position, region);
    }
    describe(ui, &response, timeline);
    (response, action)
}

/// Seconds to points and back.
struct Scale {
    picture: Rect,
    length: f64,
}

impl Scale {
    fn x(&self, seconds: f64) -> f32 {
        let share = (seconds / self.length).clamp(0.0, 1.0) as f32;
        self.picture.left() + self.picture.width() * share
    }

    fn seconds(&self, x: f32) -> f64 {
        let share = (x - self.picture.left()) / self.picture.width().max(1.0);
        f64::from(share.clamp(0.0, 1.0)) * self.length
    }
}

fn ordered(a: f64, b: f64) -> (f64, f64) {
    (a.min(b), a.max(b))
}

fn drag(
    ui: &Ui,
    response: &Response,
    scale: &Scale,
    timeline: &Timeline,
) -> (Option<Drag>, Option<WaveformAction>) {
    let grip = |x: f32| {
        let (start, end) = timeline.region?;
        let near = |seconds: f64| (scale.x(seconds) - x).abs() <= GRIP;
        // The end that stays.
        if near(start) { Some(end) } else { near(end).then_some(start) }
    };
    if let Some(at) = response.hover_pos()
        && grip(at.x).is_some()
    {
        ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
    }
    if response.double_clicked() {
        return (None, Some(WaveformAction::Loop(None)));
    }
    if response.clicked() {
        response.request_focus();
        let at = response.interact_pointer_pos();
        return (None, at.map(|at| WaveformAction::Seek(scale.seconds(at.x))));
    }
    let mut drag: Option<Drag> = ui.data(|data| data.get_temp(response.id));
    if response.drag_started()
        && let Some(origin) = ui.input(|input| input.pointer.press_origin())
    {
        let anchor = grip(origin.x).unwrap_or_else(|| scale.seconds(origin.x));
        drag = Some(Drag { anchor, moving: anchor });
    }
    let mut action = None;
    if let Some(moving) = &mut drag {
        if let Some(at) = response.interact_pointer_pos() {
            moving.moving = scale.seconds(at.x);
        }
        let far = (scale.x(moving.moving) - scale.x(moving.anchor)).abs() >= SHORTEST_DRAG;
        if !response.dragged() {
            let region = ordered(moving.anchor, moving.moving);
            action = far.then_some(WaveformAction::Loop(Some(region)));
            drag = None;
        }
    }
    ui.data_mut(|data| match drag {
        Some(drag) => {
            data.insert_temp(response.id, drag);
        }
        None => data.remove::<Drag>(response.id),
    });
    (drag, action)
}

fn keys(ui: &Ui, response: &Response, timeline: &Timeline) -> Option<WaveformAction> {
    let &Timeline { position, length, region } = timeline;
    let to = |seconds: f64| Some(WaveformAction::Seek(seconds.clamp(0.0, length)));
    let asked = ui.input(|input| {
        let mut asked = None;
        for request in input.accesskit_action_requests(response.id, Action::SetValue) {
            if let Some(ActionData::NumericValue(seconds)) = request.data {
                asked = to(seconds);
            }
        }
        for (action, step) in [(Action::Increment, STEP), (Action::Decrement, -STEP)] {
            if input.num_accesskit_action_requests(response.id, action) > 0 {
                asked = to(position + step);
            }
        }
        asked
    });
    if asked.is_some() || !response.has_focus() {
        return asked;
    }
    let arrows = EventFilter { horizontal_arrows: true, ..Default::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    ui.input(|input| {
        let step = if input.modifiers.shift { FINE_STEP } else { STEP };
        let presses = |key| input.num_presses(key) as f64;
        let steps = presses(Key::ArrowRight) - presses(Key::ArrowLeft);
        let (start, end) = region.unwrap_or((0.0, length));
        if steps != 0.0 {
            to(position + steps * step)
        } else if input.key_pressed(Key::Home) {
            to(0.0)
        } else if input.key_pressed(Key::OpenBracket) && position < end {
            Some(WaveformAction::Loop(Some((position, end))))
        } else if input.key_pressed(Key::CloseBracket) && position > start {
            Some(WaveformAction::Loop(Some((start, position))))
        } else if input.key_pressed(Key::Delete) {
            Some(WaveformAction::Loop(None))
        } else {
            None
        }
    })
}

fn describe(ui: &Ui, response: &Response, timeline: &Timeline) {
    let &Timeline { position, length, region } = timeline;
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Slider, ui.is_enabled(), "Position");
        info.value = Some(position);
        info
    });
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_min_numeric_value(0.0);
        node.set_max_numeric_value(length);
        node.set_numeric_value_step(STEP);
        for action in [Action::SetValue, Action::Increment, Action::Decrement] {
            node.add_action(action);
        }
        let repeats = match region {
            Some((start, end)) => format!(", repeats {} to {}", clock(start), clock(end)),
            None => String::new(),
        };
        node.set_value(format!("{} of {}{repeats}", clock(position), clock(length)));
    });
}

fn paint(
    ui: &Ui,
    response: &Response,
    scale: &Scale,
    peaks: &[[f32; 2]],
    position: f64,
    region: Option<(f64, f64)>,
) {
    let theme = Theme::of(ui);
    let picture = scale.picture;
    let painter = ui.painter();
    painter.rect_filled(picture, 0, theme.well);
    if let Some((start, end)) = region {
        let ground = Rect::from_x_y_ranges(scale.x(start)..=scale.x(end), picture.y_range());
        painter.rect_filled(ground, 0, Theme::faded(theme.lane(Lane::A), 0.16));
    }
    painter.hline(picture.x_range(), picture.center().y, Stroke::new(1.0, theme.line));
    painter.add(shape(&theme, picture, peaks, scale.x(position)));
    if let Some((start, end)) = region {
        for seconds in [start, end] {
            let stroke = Stroke::new(1.5, theme.lane(Lane::A));
            painter.vline(scale.x(seconds), picture.y_range(), stroke);
        }
    }
    painter.vline(scale.x(position), picture.y_range(), Stroke::new(1.5, theme.text));
    let edge = if response.has_focus() { Stroke::new(1.5, theme.text) } else { theme.outline() };
    painter.rect_stroke(picture, 0, edge, StrokeKind::Outside);
    time_axis(painter, &theme, picture, scale.length);
    if let Some(at) = response.hover_pos().filter(|at| picture.contains(*at)) {
        let text = clock(scale.seconds(at.x));
        let text = painter.layout_no_wrap(text, theme::small(), theme.text);
        let left = (at.x + 6.0).min(picture.right() - text.size().x - 6.0);
        let chip = Rect::from_min_size(pos2(left, picture.top() + 2.0), text.size());
        painter.rect_filled(
            chip.expand2(vec2(3.0, 1.0)),
            size::RADIUS,
            Theme::faded(theme.background, 0.86),
        );
        painter.galley(chip.min, text, theme.text);
    }
}

/// A bar a pixel; what has been heard is stronger.
fn shape(theme: &Theme, picture: Rect, peaks: &[[f32; 2]], heard: f32) -> Mesh {
    let mut mesh = Mesh::default();
    let columns = (picture.width() as usize).min(peaks.len().max(1) * 4);
    if peaks.is_empty() || columns == 0 {
        return mesh;
    }
    let step = picture.width() / columns as f32;
    for column in 0..columns {
        let part = part(column, columns, peaks.len());
        let [low, high] = peaks[part]
            .iter()
            .fold([f32::MAX, f32::MIN], |[low, high], peak| [low.min(peak[0]), high.max(peak[1])]);
        let y = |level: f32| picture.center().y - picture.height() / 2.0 * level.clamp(-1.0, 1.0);
        let left = picture.left() + step * column as f32;
        let color = if left < heard { theme.lane(Lane::Dry) } else { theme.weak };
        let bar =
            Rect::from_min_max(pos2(left, y(high) - 0.5), pos2(left + step.max(1.0), y(low) + 0.5));
        mesh.add_colored_rect(bar, color);
    }
    mesh
}

/// The peaks of a column: at least one.
fn part(column: usize, columns: usize, peaks: usize) -> std::ops::Range<usize> {
    let from = (column * peaks / columns).min(peaks - 1);
    from..((column + 1) * peaks / columns).clamp(from + 1, peaks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_with_tenths() {
        assert_eq!(clock(0.0), "0:00.0");
        assert_eq!(clock(62.39), "1:02.3");
        assert_eq!(clock(3600.0), "60:00.0");
        assert_eq!(clock(-1.0), "0:00.0");
    }

    #[test]
    fn every_peak_is_in_a_column() {
        for (columns, peaks) in [(7, 100), (100, 100), (100, 30), (640, 4096)] {
            let mut seen = vec![false; peaks];
            for column in 0..columns {
                let part = part(column, columns, peaks);
                assert!(!part.is_empty() && part.end <= peaks);
                seen[part].fill(true);
            }
            assert!(seen.iter().all(|seen| *seen), "{columns} columns, {peaks} peaks");
        }
    }
}
