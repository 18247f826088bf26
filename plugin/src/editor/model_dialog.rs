//! The dialog that chooses a model and its precision, and fetches models.

use egui::{Align, Context, Frame, Id, Layout, Modal, RichText, ScrollArea, TextEdit, Ui};
use residue_engine::codec::Precision;
use residue_ui::Theme;
use residue_ui::text::bytes;
use residue_ui::theme::size;

use super::controls::{Line, caption, choice, line, toggle};
use super::header::short;
use super::notice::progress;
use super::panel::Desk;
use crate::instance::Instance;
use crate::model::{Fetch, ModelChoice, Phase, ShelfModel};

const WIDTH: f32 = 600.0;
/// Of which so much says where a model is.
const STATE: f32 = 140.0;

/// An open dialog.
pub struct ModelDialog {
    /// The folder that is being typed.
    folder: String,
    /// Downloads that ran when the list was read: it is read again when one has ended.
    fetching: bool,
}

impl ModelDialog {
    /// Opens it, and has the models on this computer listed.
    pub fn open(instance: &Instance) -> Self {
        instance.shelf.refresh();
        Self { folder: String::new(), fetching: false }
    }

    /// Draws the dialog of the desk, if it is open.
    pub fn run(ctx: &Context, desk: &mut Desk) {
        let Some(mut dialog) = desk.dialog.take() else { return };
        let frame = Frame::popup(&ctx.global_style()).inner_margin(16);
        let modal = Modal::new(Id::unique("model dialog")).frame(frame).show(ctx, |ui| {
            ui.set_width(WIDTH);
            dialog.show(ui, desk)
        });
        if !modal.inner && !modal.should_close() {
            desk.dialog = Some(dialog);
        }
    }

    /// True if it is to be closed.
    fn show(&mut self, ui: &mut Ui, desk: &mut Desk) -> bool {
        let theme = Theme::of(ui);
        let shelf = std::sync::Arc::clone(&desk.instance.shelf);
        let fetch = shelf.fetch();
        let fetching = fetch.as_ref().is_some_and(Fetch::runs);
        if self.fetching && !fetching {
            shelf.refresh();
        }
        self.fetching = fetching;

        caption(ui, "Model");
        match shelf.models() {
            None => drop(ui.label(RichText::new("Looking \u{2026}").color(theme.weak))),
            Some(Err(error)) => drop(ui.label(RichText::new(error).color(theme.alert))),
            Some(Ok(models)) => {
                ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                    for model in &models {
                        row(ui, &theme, desk, model, fetch.as_ref());
                    }
                    own(ui, &theme, desk, &models);
                });
            }
        }
        ui.add_space(size::GAP);
        self.folder_entry(ui, &theme, desk);
        if let Phase::Missing(reason) | Phase::Failed(reason) = &desk.model.phase {
            ui.label(RichText::new(reason).color(theme.alert));
        }

        ui.add_space(size::SPACE);
        caption(ui, "Precision");
        precision(ui, &theme, desk);
        ui.add_space(size::SPACE);
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            toggle(ui, false, "Close", 80.0, false).clicked()
        })
        .inner
    }

    fn folder_entry(&mut self, ui: &mut Ui, theme: &Theme, desk: &mut Desk) {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Folder of your own").color(theme.weak));
            let hint = "where config.json and model.safetensors are";
            let entry =
                ui.add(TextEdit::singleline(&mut self.folder).hint_text(hint).desired_width(360.0));
            entry.widget_info(|| {
                let text = "Folder of a model of your own";
                egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, text)
            });
            let entered =
                entry.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
            let folder = self.folder.trim();
            ui.add_enabled_ui(!folder.is_empty(), |ui| {
                if toggle(ui, false, "Use", 0.0, false).clicked() || entered {
                    // A name without a slash could be a known model's.
                    let path = std::path::absolute(folder);
                    let id = path.map_or(folder.to_owned(), |path| path.display().to_string());
                    desk.instance.model.choose(desk.model.wanted.of_model(id));
                }
            });
        });
    }
}

/// A model, and what can be done with it.
fn row(ui: &mut Ui, theme: &Theme, desk: &mut Desk, model: &ShelfModel, fetch: Option<&Fetch>) {
    let chosen = desk.model.wanted.id.eq_ignore_ascii_case(&model.id);
    let running = fetch.filter(|fetch| fetch.runs());
    ui.horizontal(|ui| {
        let here = model.here.is_ok();
        let label = format!("Model {}", model.id);
        let looks = Line { width: WIDTH - STATE, chosen, enabled: here };
        let button = line(ui, &label, [&model.id, &model.about], looks);
        if button.clicked() {
            desk.instance.model.choose(desk.model.wanted.of_model(&model.id));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            match (&model.here, model.download) {
                (Ok(size), _) => {
                    let size = size.map(bytes).unwrap_or_default();
                    ui.label(RichText::new(format!("here, {size}")).color(theme.weak));
                }
                (Err(_), Some(_)) if running.is_some_and(|fetch| fetch.name == model.id) => {
                    if toggle(ui, false, "Cancel", 0.0, false).clicked() {
                        desk.instance.shelf.cancel_fetch();
                    }
                    let share =
                        running.map_or(0.0, |fetch| fetch.done as f32 / fetch.total.max(1) as f32);
                    let text = running.map(progress).unwrap_or_default();
                    ui.label(format!("{:.0} %", share * 100.0)).on_hover_text(text);
                }
                (Err(why), Some(size)) => {
                    ui.add_enabled_ui(running.is_none(), |ui| {
                        let text = format!("Fetch {}", bytes(size));
                        if toggle(ui, true, &text, 0.0, false).on_hover_text(why).clicked() {
                            let slot = &desk.instance.model;
                            desk.instance.shelf.begin_fetch(&model.id, slot);
                        }
                    });
                }
                (Err(why), None) => {
                    ui.label(RichText::new("not usable").color(theme.alert)).on_hover_text(why);
                }
            }
        });
    });
}

/// The wanted model, if it is on no list.
fn own(ui: &mut Ui, theme: &Theme, desk: &mut Desk, models: &[ShelfModel]) {
    let id = &desk.model.wanted.id;
    if models.iter().any(|model| model.id.eq_ignore_ascii_case(id)) {
        return;
    }
    let missing = matches!(desk.model.phase, Phase::Missing(_));
    ui.horizontal(|ui| {
        let looks = Line { width: WIDTH - STATE, chosen: true, enabled: true };
        line(ui, &format!("Model {id}"), [short(id), id], looks);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (text, color) =
                if missing { ("missing", theme.alert) } else { ("your own", theme.weak) };
            ui.label(RichText::new(text).color(color));
        });
    });
}

fn precision(ui: &mut Ui, theme: &Theme, desk: &mut Desk) {
    let now = desk.model.wanted.precision.runs_in();
    let chosen = Precision::ALL.iter().position(|precision| *precision == now).unwrap_or(0);
    ui.horizontal(|ui| {
        let names = Precision::ALL.map(Precision::name);
        if let Some(index) = choice(ui, "Precision", chosen, &names) {
            let choice: ModelChoice = desk.model.wanted.in_precision(Precision::ALL[index]);
            desk.instance.model.choose(choice);
        }
        let about = match now {
            Precision::F32 => "exact: the codes of the published implementation",
            Precision::Bf16 => "half the memory; a few codes differ from f32",
            Precision::Int8 => "a quarter of the memory, faster; some codes differ",
            Precision::Int4 => {
                "a seventh of the memory, fastest for large models; more codes differ"
            }
        };
        ui.label(RichText::new(about).color(theme.weak));
    });
}
