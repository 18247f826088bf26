//! Pieces of panels.

use std::path::{Path, PathBuf};

use egui::accesskit::Role;
use egui::{
    Align, Button, CollapsingHeader, Color32, ComboBox, Layout, Rect, Response, RichText, Shape,
    Stroke, Ui, WidgetInfo, pos2, vec2,
};
use residue_ui::Theme;
use residue_ui::theme::size;

/// Width of the captions of [`field`]s, in points.
const LABEL: f32 = 64.0;

/// A heading in a column of controls.
pub fn heading(ui: &mut Ui, text: &str) {
    let theme = Theme::of(ui);
    ui.add_space(size::GAP);
    ui.label(RichText::new(text).color(theme.weak).size(size::SMALL + 1.0).strong());
}

/// A part of a column that can be folded away. Returns whether it is open, and whether what is in it
/// can be seen.
pub fn folding(ui: &mut Ui, title: &str, open: &mut bool, add: impl FnOnce(&mut Ui)) -> bool {
    let theme = Theme::of(ui);
    let mut seen = false;
    let text = RichText::new(title).color(theme.weak).size(size::SMALL + 1.0).strong();
    let header =
        CollapsingHeader::new(text).id_salt(title).open(Some(*open)).show_unindented(ui, |ui| {
            let top = ui.next_widget_position();
            add(ui);
            let bottom = ui.min_rect().bottom();
            let rect = egui::Rect::from_min_max(top, egui::pos2(top.x + 1.0, bottom));
            seen = ui.is_rect_visible(rect);
        });
    if header.header_response.clicked() {
        *open = !*open;
    }
    seen
}

/// A caption with a control beside it, which it names.
pub fn field(ui: &mut Ui, caption: &str, add: impl FnOnce(&mut Ui) -> Response) -> Response {
    let theme = Theme::of(ui);
    ui.horizontal(|ui| {
        let row = ui.spacing().interact_size.y;
        let label = ui
            .allocate_ui_with_layout(vec2(LABEL, row), Layout::left_to_right(Align::Center), |ui| {
                ui.set_min_width(LABEL);
                ui.label(RichText::new(caption).color(theme.weak))
            })
            .inner;
        ui.spacing_mut().item_spacing.x = size::GAP;
        add(ui).labelled_by(label.id)
    })
    .inner
}

/// A choice among texts, as wide as its row; returns what was chosen.
pub fn choice<T>(
    ui: &mut Ui,
    id: &str,
    chosen: &str,
    choices: impl IntoIterator<Item = (String, T)>,
) -> (Response, Option<T>) {
    let mut new = None;
    let width = ui.available_width();
    let combo = ComboBox::from_id_salt(id).selected_text(chosen).width(width).truncate();
    let response = combo.show_ui(ui, |ui| {
        for (text, value) in choices {
            if ui.selectable_label(text == chosen, &text).clicked() {
                new = Some(value);
            }
        }
    });
    (response.response, new)
}

/// Signs on buttons, drawn: no font has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ButtonSign {
    /// Plays.
    Play,
    /// Pauses.
    Pause,
    /// Goes to the start.
    Start,
    /// Takes something away.
    Close,
}

impl ButtonSign {
    fn paint(self, ui: &Ui, rect: Rect, color: Color32) {
        let painter = ui.painter();
        let room = Rect::from_center_size(rect.center(), vec2(11.0, 11.0));
        let bar = |left: f32, width: f32| {
            let corner = pos2(room.left() + left, room.top());
            painter.rect_filled(Rect::from_min_size(corner, vec2(width, room.height())), 0, color);
        };
        let triangle = |base: f32, tip: f32| {
            let x = |at: f32| room.left() + at;
            let points = vec![
                pos2(x(base), room.top()),
                pos2(x(base), room.bottom()),
                pos2(x(tip), room.center().y),
            ];
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        };
        match self {
            Self::Play => triangle(1.5, 11.0),
            Self::Pause => {
                bar(1.0, 3.0);
                bar(7.0, 3.0);
            }
            Self::Start => {
                bar(0.5, 2.0);
                triangle(11.0, 2.5);
            }
            Self::Close => {
                let room = room.shrink(1.5);
                let stroke = Stroke::new(1.5, color);
                painter.line_segment([room.left_top(), room.right_bottom()], stroke);
                painter.line_segment([room.left_bottom(), room.right_top()], stroke);
            }
        }
    }
}

/// A button that shows a sign and is called by a name.
pub fn sign(ui: &mut Ui, sign: ButtonSign, name: &str, hint: &str) -> Response {
    let height = ui.spacing().interact_size.y.max(22.0);
    let response = ui.add(Button::new("").min_size(vec2(height + 8.0, height)));
    let enabled = response.enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    sign.paint(ui, response.rect, ui.style().interact(&response).text_color());
    response.on_hover_text(hint)
}

/// A small button with a word, called by a longer name; returns whether it was pressed.
pub fn word(ui: &mut Ui, word: &str, name: &str, hint: &str) -> bool {
    let response = ui.add(Button::new(word).small());
    let enabled = response.enabled();
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    response.on_hover_text(hint).clicked()
}

/// A rate as people say it: `44.1 kHz`.
pub fn kilohertz(rate: u32) -> String {
    let text = format!("{:.3}", f64::from(rate) / 1000.0);
    format!("{} kHz", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Returns a folder as people write it: within the home folder as `~/`, but on Windows, which has no such sign,
/// as a whole path with its own separators.
pub fn folder(folder: &Path) -> String {
    folder_within(folder, if cfg!(windows) { None } else { dirs::home_dir() }.as_deref())
}

fn folder_within(folder: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| folder.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        // Collected again from its components, which gives each separator the system's form.
        None => folder.components().collect::<PathBuf>().display().to_string(),
    }
}

/// A number with its noun: `1 frame`, `2 frames`.
pub fn count(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_people_say_them() {
        assert_eq!(kilohertz(44_100), "44.1 kHz");
        assert_eq!(kilohertz(48_000), "48 kHz");
        assert_eq!(kilohertz(11_025), "11.025 kHz");
        assert_eq!(count(1, "frame", "frames"), "1 frame");
        assert_eq!(count(0, "frame", "frames"), "0 frames");
    }

    #[test]
    fn folders_are_written_as_the_system_does() {
        if cfg!(windows) {
            let music = dirs::home_dir().unwrap().join("Music/Residue");
            assert_eq!(folder(&music), music.display().to_string().replace('/', "\\"));
            return;
        }
        let home = Path::new("/home/ada");
        let within = |folder: &str| folder_within(Path::new(folder), Some(home));
        assert_eq!(within("/home/ada/Music/Residue"), "~/Music/Residue");
        assert_eq!(within("/home/adam"), "/home/adam");
        assert_eq!(folder_within(home, None), "/home/ada");
    }
}
