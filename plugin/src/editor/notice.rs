//! The notice under the header: the most urgent condition, and what the user can do about it.

use egui::{Align, Layout, ProgressBar, RichText, Ui, vec2};
use residue_engine::live::{PortHealth, muted_lanes_text};
use residue_engine::models::{EMBEDDED, KnownModel, ModelsError, PullStatus};
use residue_ui::Theme;
use residue_ui::text::bytes;
use residue_ui::theme::size;

use super::context::EditorContext;
use super::controls::toggle;
use super::model_text::{download_progress, short_name};
use super::port_observer::PortSnapshot;
use crate::model::ModelPhase;
use crate::newer_state::VERSION;

/// Height of the notice in points.
pub const HEIGHT: f32 = 40.0;

/// The most urgent condition.
pub enum EditorNotice {
    /// The requested model is missing, for this reason; with its entry if it can be downloaded.
    Missing(String, Option<&'static KnownModel>),
    /// The project names a place that is not opened unasked, for this reason.
    Unconfirmed(String),
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
    Download(PullStatus),
}

impl EditorNotice {
    /// Returns the most urgent condition, if there is one.
    pub fn of(context: &EditorContext, port: Option<&PortSnapshot>) -> Option<Self> {
        let message = |text: &str, detail: &str, alert| {
            Some(Self::Message { text: text.to_owned(), detail: detail.to_owned(), alert })
        };
        if let Some(download) = &context.download
            && !matches!(download.end, Some(Ok(())))
        {
            return Some(Self::Download(download.clone()));
        }
        let requested = &context.model.requested;
        if let Some(PortSnapshot { status, .. }) = port
            && let PortHealth::Failed(reason) = &status.health
        {
            return message("The model has failed. You hear the dry signal.", reason, true);
        }
        if let Some(text) = port.and_then(|port| muted_lanes_text(port.status.muted_lanes)) {
            let (text, detail) = text.split_once(": ").unwrap_or((&text, ""));
            return message(text, detail, true);
        }
        match &context.model.phase {
            ModelPhase::Missing(reason) => {
                Some(Self::Missing(reason.clone(), KnownModel::find(&requested.id)))
            }
            ModelPhase::Unconfirmed(reason) => Some(Self::Unconfirmed(reason.clone())),
            ModelPhase::Failed(reason) => message(
                &format!(
                    "{} cannot run. The previous model keeps running.",
                    short_name(&requested.id)
                ),
                reason,
                true,
            ),
            ModelPhase::WaitsForRestart => message(
                &format!("{} waits for the host to restart audio.", short_name(&requested.id)),
                "It needs a longer latency. The host was asked to restart audio. If nothing happens, \
                 stop and start audio, or switch the plugin off and on.",
                false,
            ),
            ModelPhase::Loading => {
                let text = format!("Loading {} \u{2026}", short_name(&requested.id));
                let detail = if port.is_some() { "Audio continues." } else { "" };
                (!requested.is_embedded()).then_some(())?;
                message(&text, detail, false)
            }
            ModelPhase::Idle | ModelPhase::Ready if context.model.differs => message(
                &format!(
                    "{} is not the model that the project was saved with.",
                    short_name(&requested.id)
                ),
                "Its files have a different checksum. It may sound different.",
                true,
            ),
            ModelPhase::Idle | ModelPhase::Ready if !requested.is_precision_known() => message(
                "The project uses a precision that this version of Residue does not support.",
                "The model runs in f32. The project is not changed.",
                true,
            ),
            ModelPhase::Idle | ModelPhase::Ready => {
                let version = context.instance.params.newer.version()?;
                message(
                    &format!("The project was saved by Residue {version}. This is {VERSION}."),
                    "What this version does not know is kept for the newer one, and has no effect here.",
                    false,
                )
            }
        }
    }

    /// Draws the notice with its actions.
    pub fn show(self, ui: &mut Ui, context: &mut EditorContext) {
        let theme = Theme::of(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| match self {
            Self::Missing(reason, known) => {
                if toggle(ui, false, "Use the embedded model", 0.0, false).clicked() {
                    let choice = context.model.requested.of_model(EMBEDDED);
                    context.instance.model.choose(choice);
                }
                if toggle(ui, false, "Choose another\u{2026}", 0.0, false).clicked() {
                    context.open_model_dialog();
                }
                match known {
                    Some(known) => {
                        let text = format!("Fetch {}", bytes(known.f32_bytes()));
                        if toggle(ui, true, &text, 0.0, false).clicked() {
                            context.instance.download(known.name);
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
                    short_name(&context.model.requested.id)
                );
                message_text(ui, &theme, &text, &reason, true);
            }
            Self::Unconfirmed(reason) => {
                if toggle(ui, false, "Use the embedded model", 0.0, false).clicked() {
                    let choice = context.model.requested.of_model(EMBEDDED);
                    context.instance.model.choose(choice);
                }
                if toggle(ui, false, "Choose another\u{2026}", 0.0, false).clicked() {
                    context.open_model_dialog();
                }
                if toggle(ui, true, "Load it", 0.0, false).clicked() {
                    context.instance.model.confirm();
                }
                let text = "The project asks for a model from a place of its own. The embedded \
                            model plays until you agree; all other settings are as saved.";
                message_text(ui, &theme, text, &reason, true);
            }
            Self::Message { text, detail, alert } => {
                if alert && toggle(ui, false, "Choose a model\u{2026}", 0.0, false).clicked() {
                    context.open_model_dialog();
                }
                message_text(ui, &theme, &text, &detail, alert);
            }
            Self::Download(download) => match &download.end {
                None => {
                    if toggle(ui, false, "Cancel", 0.0, false).clicked() {
                        context.instance.catalog.lock().cancel_pull();
                    }
                    let bar = ProgressBar::new(download.progress.share());
                    ui.add(bar.desired_width(240.0).desired_height(8.0).fill(theme.weak));
                    let (text, detail) = (
                        download_progress(&download),
                        "Audio continues. Cancel keeps what has arrived.",
                    );
                    message_text(ui, &theme, &text, detail, false);
                }
                Some(end) => {
                    if toggle(ui, false, "Dismiss", 0.0, false).clicked() {
                        context.instance.catalog.lock().dismiss_pull();
                    }
                    if toggle(ui, true, "Try again", 0.0, false).clicked() {
                        context.instance.download(&download.id);
                    }
                    let reason = end.as_ref().err().map(|error| match **error {
                        ModelsError::Cancelled => {
                            "It was cancelled. What has arrived is kept.".to_owned()
                        }
                        ref error => error.to_string(),
                    });
                    message_text(
                        ui,
                        &theme,
                        &format!("{} was not fetched.", download.id),
                        &reason.unwrap_or_default(),
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
