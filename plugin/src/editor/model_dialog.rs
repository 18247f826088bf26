//! The dialog that chooses a model and its precision, and downloads models.

use egui::{Align, Context, Frame, Id, Layout, Modal, RichText, ScrollArea, TextEdit, Ui};
use residue_engine::codec::Precision;
use residue_engine::models::{EMBEDDED, ListedModel, PrecisionRequest};
use residue_ui::Theme;
use residue_ui::text::bytes;
use residue_ui::theme::size;

use super::context::{EditorContext, ModelDialogState};
use super::controls::{ListRow, caption, list_row, segmented_choice, toggle};
use super::model_text::{download_progress, short_name, summary_text};
use crate::model::{ModelChoice, ModelPhase};

/// Width of the dialog, in points.
const WIDTH: f32 = 600.0;
/// Width of the column with the state of a model, in points.
const STATE: f32 = 140.0;

/// Draws the dialog while it is open.
pub fn show(ctx: &Context, context: &mut EditorContext) {
    let Some(mut dialog) = context.dialog.take() else { return };
    let frame = Frame::popup(&ctx.global_style()).inner_margin(16);
    let modal = Modal::new(Id::unique("model dialog")).frame(frame).show(ctx, |ui| {
        ui.set_width(WIDTH);
        contents(ui, context, &mut dialog)
    });
    if !modal.inner && !modal.should_close() {
        context.dialog = Some(dialog);
    }
}

/// Draws the contents; returns whether the user closes the dialog.
fn contents(ui: &mut Ui, context: &mut EditorContext, dialog: &mut ModelDialogState) -> bool {
    let theme = Theme::of(ui);
    let (models, error) = {
        let catalog = context.instance.catalog.lock();
        let error = catalog.list_error().map(ToString::to_string);
        (catalog.models().map(<[_]>::to_vec), error)
    };
    caption(ui, "Model");
    match (models, error) {
        (_, Some(error)) => drop(ui.label(RichText::new(error).color(theme.alert))),
        (None, None) => drop(ui.label(RichText::new("Looking \u{2026}").color(theme.weak))),
        (Some(models), None) => {
            ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                for model in &models {
                    model_row(ui, &theme, context, model);
                }
                unlisted_row(ui, &theme, context, &models);
            });
        }
    }
    ui.add_space(size::GAP);
    folder_entry(ui, &theme, context, &mut dialog.folder);
    if let ModelPhase::Missing(reason)
    | ModelPhase::Unconfirmed(reason)
    | ModelPhase::Failed(reason) = &context.model.phase
    {
        ui.label(RichText::new(reason).color(theme.alert));
    }

    ui.add_space(size::SPACE);
    caption(ui, "Precision");
    precision(ui, &theme, context);
    ui.add_space(size::SPACE);
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        toggle(ui, false, "Close", 80.0, false).clicked()
    })
    .inner
}

/// Draws the entry of a model folder.
fn folder_entry(ui: &mut Ui, theme: &Theme, context: &mut EditorContext, folder: &mut String) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Folder of your own").color(theme.weak));
        let hint = "where config.json and model.safetensors are";
        let entry = ui.add(TextEdit::singleline(folder).hint_text(hint).desired_width(360.0));
        entry.widget_info(|| {
            let text = "Folder of a model of your own";
            egui::WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, text)
        });
        let entered = entry.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let folder = folder.trim();
        ui.add_enabled_ui(!folder.is_empty(), |ui| {
            if toggle(ui, false, "Use", 0.0, false).clicked() || entered {
                // A relative name without a slash could be mistaken for a known model's.
                let path = std::path::absolute(folder);
                let id = path.map_or(folder.to_owned(), |path| path.display().to_string());
                context.instance.model.choose(context.model.requested.of_model(id));
                // Typed by the user, also where the project names the same place.
                context.instance.model.confirm();
            }
        });
    });
}

/// Draws a model with its action: choose, download or cancel.
fn model_row(ui: &mut Ui, theme: &Theme, context: &mut EditorContext, model: &ListedModel) {
    let chosen = context.model.requested.id.eq_ignore_ascii_case(&model.id);
    let running = context.download.as_ref().filter(|download| download.is_running());
    ui.horizontal(|ui| {
        let label = format!("Model {}", model.id);
        let row = ListRow { width: WIDTH - STATE, chosen, enabled: model.here };
        let button = list_row(ui, &label, [&model.id, &layout_or_place(model)], row);
        if button.clicked() {
            context.instance.model.choose(context.model.requested.of_model(&model.id));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            match (model.download_bytes, running) {
                _ if model.here => {
                    let size = model.bytes.map(bytes).unwrap_or_default();
                    ui.label(RichText::new(format!("here, {size}")).color(theme.weak));
                }
                (Some(_), Some(download)) if download.id == model.id => {
                    if toggle(ui, false, "Cancel", 0.0, false).clicked() {
                        context.instance.catalog.lock().cancel_pull();
                    }
                    let percent = download.progress.share() * 100.0;
                    ui.label(format!("{percent:.0} %")).on_hover_text(download_progress(download));
                }
                (Some(size), running) => {
                    ui.add_enabled_ui(running.is_none(), |ui| {
                        let text = format!("Fetch {}", bytes(size));
                        let button = toggle(ui, true, &text, 0.0, false);
                        if button.on_hover_text(&model.place).clicked() {
                            context.instance.download(&model.id);
                        }
                    });
                }
                (None, _) => {
                    let text = RichText::new("not usable").color(theme.alert);
                    ui.label(text).on_hover_text(&model.place);
                }
            }
        });
    });
}

/// Describes a model: its layout if it is a published one or inside the program, else where it is.
fn layout_or_place(model: &ListedModel) -> String {
    let is_added = model.repository.is_none() && model.id != EMBEDDED;
    match &model.summary {
        Some(summary) if !is_added => summary_text(summary),
        _ if model.here => model.place.clone(),
        _ => "a folder that you added".to_owned(),
    }
}

/// Draws the requested model, if the list does not have it.
fn unlisted_row(ui: &mut Ui, theme: &Theme, context: &mut EditorContext, models: &[ListedModel]) {
    let id = &context.model.requested.id;
    if models.iter().any(|model| model.id.eq_ignore_ascii_case(id)) {
        return;
    }
    let missing = matches!(context.model.phase, ModelPhase::Missing(_));
    ui.horizontal(|ui| {
        let row = ListRow { width: WIDTH - STATE, chosen: true, enabled: true };
        list_row(ui, &format!("Model {id}"), [short_name(id), id], row);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (text, color) =
                if missing { ("missing", theme.alert) } else { ("your own", theme.weak) };
            ui.label(RichText::new(text).color(color));
        });
    });
}

/// Draws the choice of the precision.
fn precision(ui: &mut Ui, theme: &Theme, context: &mut EditorContext) {
    let model = &context.model.requested;
    let now = model.requested_precision();
    let chosen = PrecisionRequest::ALL.iter().position(|choice| *choice == now).unwrap_or(0);
    let names = PrecisionRequest::ALL.map(|choice| match choice {
        PrecisionRequest::Automatic => "automatic",
        fixed => fixed.name(),
    });
    let picked = ui.horizontal(|ui| segmented_choice(ui, "Precision", chosen, &names)).inner;
    let about = match now {
        PrecisionRequest::Automatic => match &model.precision {
            Some(saved) => format!("runs in {}, and this project keeps it", saved.runs_in()),
            None => "the fastest that sounds nearly like f32".to_owned(),
        },
        PrecisionRequest::Fixed(precision) => description(precision).to_owned(),
    };
    ui.label(RichText::new(about).color(theme.weak));
    if let Some(index) = picked {
        let choice: ModelChoice = model.in_precision(PrecisionRequest::ALL[index]);
        context.instance.model.choose(choice);
    }
}

fn description(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "exact: the codes of the published implementation",
        Precision::Bf16 => "half the memory; a few codes differ from f32",
        Precision::Int8 => "a quarter of the memory, faster; some codes differ",
        Precision::Int4 => "a seventh of the memory, fastest for large models; more codes differ",
    }
}
