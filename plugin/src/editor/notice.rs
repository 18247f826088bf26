//! The notice under the header: the most urgent condition, and what the user can do about it.

use egui::{Align, Layout, ProgressBar, RichText, Ui, vec2};
use residue_engine::live::PortHealth;
use residue_engine::models::KnownModel;
use residue_ui::Theme;
use residue_ui::theme::size;

use super::context::EditorContext;
use super::controls::toggle;
use super::model_text::{byte_size, download_progress, short_name};
use super::port_observer::PortSnapshot;
use crate::model::{Fetch, ModelChoice, Phase};

/// Height of the notice in points.
pub const HEIGHT: f32 = 40.0;

/// The most urgent condition.
pub enum EditorNotice {
    /// The requested model is missing, for this reason; with its entry if it can be downloaded.
    Missing(String, Option<&'static KnownModel>),
    /// A condition without an action of its own.
    Message {
        /// The condition.
        text: String,
        /// Its reason or its consequence.
        detail: String,
        /// Whether it needs attention.
        alert: bool,
    },
    /// A running download, or one that has failed.
    Fetch(Fetch),
}

impl EditorNotice {
    /// Returns the most urgent condition, if there is one.
    pub fn of(context: &EditorContext, port: Option<&PortSnapshot>) -> Option<Self> {
        let message = |text: &str, detail: &str, alert| {
            Some(Self::Message { text: text.to_owned(), detail: detail.to_owned(), alert })
        };
        if let Some(fetch) = context.instance.shelf.fetch()
            && !matches!(fetch.end, Some(Ok(())))
        {
            return Some(Self::Fetch(fetch));
        }
        let wanted = &context.model.wanted;
        if let Some(PortSnapshot { status, .. }) = port
            && let PortHealth::Failed(reason) = &status.health
        {
            return message("The model has failed. You hear the dry signal.", reason, true);
        }
        match &context.model.phase {
            Phase::Missing(reason) => {
                Some(Self::Missing(reason.clone(), KnownModel::find(&wanted.id)))
            }
            Phase::Failed(reason) => message(
                &format!(
                    "{} cannot run. The previous model keeps running.",
                    short_name(&wanted.id)
                ),
                reason,
                true,
            ),
            Phase::WaitsForRestart => message(
                &format!("{} waits for the host to restart audio.", short_name(&wanted.id)),
                "It needs a longer latency. The host was asked to restart audio. If nothing happens, \
                 stop and start audio, or switch the plugin off and on.",
                false,
            ),
            Phase::Loading => {
                let text = format!("Loading {} \u{2026}", short_name(&wanted.id));
                let detail = if port.is_some() { "Audio continues." } else { "" };
                (!wanted.is_embedded()).then_some(())?;
                message(&text, detail, false)
            }
            Phase::Idle | Phase::Ready if context.model.differs => message(
                &format!(
                    "{} is not the model that the project was saved with.",
                    short_name(&wanted.id)
                ),
                "Its files have a different checksum. It may sound different.",
                true,
            ),
            Phase::Idle | Phase::Ready if !wanted.precision.is_known() => message(
                "The project uses a precision that this version of Residue does not support.",
                "The model runs in f32. The project is not changed.",
                true,
            ),
            Phase::Idle | Phase::Ready => None,
        }
    }

    /// Draws the notice with its actions.
    pub fn show(self, ui: &mut Ui, context: &mut EditorContext) {
        let theme = Theme::of(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| match self {
            Self::Missing(reason, known) => {
                if toggle(ui, false, "Use the embedded model", 0.0, false).clicked() {
                    let choice = context.model.wanted.of_model(ModelChoice::default().id);
                    context.instance.model.choose(choice);
                }
                if toggle(ui, false, "Choose another\u{2026}", 0.0, false).clicked() {
                    context.open_model_dialog();
                }
                match known {
                    Some(known) => {
                        let text = format!("Fetch {}", byte_size(known.f32_bytes()));
                        if toggle(ui, true, &text, 0.0, false).clicked() {
                            let (shelf, slot) = (&context.instance.shelf, &context.instance.model);
                            shelf.begin_fetch(known.name, slot);
                        }
                    }
                    None => {
                        if toggle(ui, true, "Look again", 0.0, false).clicked() {
                            context.instance.model.retry();
                        }
                    }
                }
                let text = format!(
                    "The model {} is missing. The embedded model plays instead; all other \
                     settings are as saved.",
                    short_name(&context.model.wanted.id)
                );
                message_text(ui, &theme, &text, &reason, true);
            }
            Self::Message { text, detail, alert } => {
                if alert && toggle(ui, false, "Choose a model\u{2026}", 0.0, false).clicked() {
                    context.open_model_dialog();
                }
                message_text(ui, &theme, &text, &detail, alert);
            }
            Self::Fetch(fetch) => match &fetch.end {
                None => {
                    if toggle(ui, false, "Cancel", 0.0, false).clicked() {
                        context.instance.shelf.cancel_fetch();
                    }
                    let share = fetch.done as f32 / fetch.total.max(1) as f32;
                    let bar = ProgressBar::new(share).desired_width(240.0).desired_height(8.0);
                    ui.add(bar.fill(theme.weak));
                    let (text, detail) = (
                        download_progress(&fetch),
                        "Audio continues. A stopped download can be resumed later.",
                    );
                    message_text(ui, &theme, &text, detail, false);
                }
                Some(end) => {
                    if toggle(ui, false, "Dismiss", 0.0, false).clicked() {
                        context.instance.shelf.clear_fetch();
                    }
                    if toggle(ui, true, "Try again", 0.0, false).clicked() {
                        let (shelf, slot) = (&context.instance.shelf, &context.instance.model);
                        shelf.begin_fetch(&fetch.name, slot);
                    }
                    let reason = end.as_ref().err().cloned().unwrap_or_default();
                    message_text(
                        ui,
                        &theme,
                        &format!("{} was not fetched.", fetch.name),
                        &reason,
                        true,
                    );
                }
            },
        });
    }
}

/// Draws the condition, and the reason below it.
fn message_text(ui: &mut Ui, theme: &Theme, text: &str, detail: &str, alert: bool) {
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        ui.add_space(if detail.is_empty() { 12.0 } else { 4.0 });
        let color = if alert { theme.alert } else { theme.text };
        ui.add(egui::Label::new(RichText::new(text).color(color)).truncate());
        if !detail.is_empty() {
            let detail = RichText::new(detail).color(theme.weak).size(size::SMALL + 1.0);
            ui.add(egui::Label::new(detail).truncate());
        }
        ui.allocate_space(vec2(ui.available_width(), 0.0));
    });
}
