//! What a person should know and can do something about, between the header and everything else.

use egui::{Align, Layout, ProgressBar, RichText, Ui, vec2};
use residue_engine::live::PortHealth;
use residue_engine::models::KnownModel;
use residue_ui::Theme;
use residue_ui::text::bytes;
use residue_ui::theme::size;

use super::controls::toggle;
use super::header::short;
use super::model_dialog::ModelDialog;
use super::panel::Desk;
use super::watch::Live;
use crate::model::{Fetch, ModelChoice, Phase};

/// Height in points.
pub const HEIGHT: f32 = 40.0;

/// The most urgent thing to say.
pub enum Notice {
    /// The wanted model cannot be had, for this reason; with its name if it can be downloaded.
    Missing(String, Option<&'static KnownModel>),
    /// Something goes on, or has gone wrong: what, and why.
    Said {
        /// What.
        text: String,
        /// Why, or what follows from it.
        detail: String,
        /// It needs attention.
        alert: bool,
    },
    /// A download.
    Fetch(Fetch),
}

impl Notice {
    /// What there is to say, if anything.
    pub fn of(desk: &Desk, live: Option<&Live>) -> Option<Self> {
        let said = |text: &str, detail: &str, alert| {
            Some(Self::Said { text: text.to_owned(), detail: detail.to_owned(), alert })
        };
        if let Some(fetch) = desk.instance.shelf.fetch()
            && !matches!(fetch.end, Some(Ok(())))
        {
            return Some(Self::Fetch(fetch));
        }
        let wanted = &desk.model.wanted;
        if let Some(Live { status, .. }) = live
            && let PortHealth::Failed(reason) = &status.health
        {
            return said("The model failed. All lanes are dry.", reason, true);
        }
        match &desk.model.phase {
            Phase::Missing(reason) => {
                Some(Self::Missing(reason.clone(), KnownModel::find(&wanted.id)))
            }
            Phase::Failed(reason) => said(
                &format!("{} cannot run. What ran before goes on.", short(&wanted.id)),
                reason,
                true,
            ),
            Phase::WaitsForRestart => said(
                &format!("{} waits for the host to start audio anew.", short(&wanted.id)),
                "It needs a longer latency. The host has been asked; if nothing happens, stop and \
                 start audio, or switch the plugin off and on.",
                false,
            ),
            Phase::Loading => {
                let text = format!("Loading {} \u{2026}", short(&wanted.id));
                let goes_on = if live.is_some() { "Audio goes on." } else { "" };
                (!wanted.is_embedded()).then_some(())?;
                said(&text, goes_on, false)
            }
            Phase::Idle | Phase::Ready if desk.model.differs => said(
                &format!("{} is not what the project was saved with.", short(&wanted.id)),
                "Its files have other sums: it may sound different.",
                true,
            ),
            Phase::Idle | Phase::Ready if !wanted.precision.is_known() => said(
                "The project asks for a precision that this version does not have.",
                "The model runs in f32. The project is not changed.",
                true,
            ),
            Phase::Idle | Phase::Ready => None,
        }
    }

    /// Draws it, with what can be done.
    pub fn show(self, ui: &mut Ui, desk: &mut Desk) {
        let theme = Theme::of(ui);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| match self {
            Self::Missing(reason, known) => {
                if toggle(ui, false, "Use the embedded model", 0.0, false).clicked() {
                    let choice = desk.model.wanted.of_model(ModelChoice::default().id);
                    desk.instance.model.choose(choice);
                }
                if toggle(ui, false, "Choose another\u{2026}", 0.0, false).clicked() {
                    desk.dialog = Some(ModelDialog::open(&desk.instance));
                }
                match known {
                    Some(known) => {
                        let text = format!("Fetch {}", bytes(known.f32_bytes()));
                        if toggle(ui, true, &text, 0.0, false).clicked() {
                            let (shelf, slot) = (&desk.instance.shelf, &desk.instance.model);
                            shelf.begin_fetch(known.name, slot);
                        }
                    }
                    None => {
                        if toggle(ui, true, "Look again", 0.0, false).clicked() {
                            desk.instance.model.retry();
                        }
                    }
                }
                let text = format!(
                    "The model {} is missing. The embedded one stands in; everything else is as \
                     it was saved.",
                    short(&desk.model.wanted.id)
                );
                words(ui, &theme, &text, &reason, true);
            }
            Self::Said { text, detail, alert } => {
                if alert && toggle(ui, false, "Choose a model\u{2026}", 0.0, false).clicked() {
                    desk.dialog = Some(ModelDialog::open(&desk.instance));
                }
                words(ui, &theme, &text, &detail, alert);
            }
            Self::Fetch(fetch) => match &fetch.end {
                None => {
                    if toggle(ui, false, "Cancel", 0.0, false).clicked() {
                        desk.instance.shelf.cancel_fetch();
                    }
                    let share = fetch.done as f32 / fetch.total.max(1) as f32;
                    let bar = ProgressBar::new(share).desired_width(240.0).desired_height(8.0);
                    ui.add(bar.fill(theme.weak));
                    let (text, detail) =
                        (progress(&fetch), "Audio goes on. It is kept if you cancel.");
                    words(ui, &theme, &text, detail, false);
                }
                Some(end) => {
                    if toggle(ui, false, "Dismiss", 0.0, false).clicked() {
                        desk.instance.shelf.clear_fetch();
                    }
                    if toggle(ui, true, "Try again", 0.0, false).clicked() {
                        let (shelf, slot) = (&desk.instance.shelf, &desk.instance.model);
                        shelf.begin_fetch(&fetch.name, slot);
                    }
                    let reason = end.as_ref().err().cloned().unwrap_or_default();
                    words(ui, &theme, &format!("{} was not fetched.", fetch.name), &reason, true);
                }
            },
        });
    }
}

/// What is said, and under it why.
fn words(ui: &mut Ui, theme: &Theme, text: &str, detail: &str, alert: bool) {
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

/// How far a download is.
pub fn progress(fetch: &Fetch) -> String {
    let Fetch { name, stage, done, total, .. } = fetch;
    if *total == 0 {
        format!("Fetching {name}: {stage}")
    } else {
        format!("Fetching {name}: {stage}, {} of {}", bytes(*done), bytes(*total))
    }
}

#[cfg(test)]
mod tests {
    use residue_engine::models::ProgressStage;

    use super::*;

    #[test]
    fn progress_is_said_in_sizes() {
        let fetch = Fetch {
            name: "nano".into(),
            stage: ProgressStage::Downloading,
            done: 31_000_000,
            total: 87_878_656,
            end: None,
        };
        assert_eq!(progress(&fetch), "Fetching nano: downloading, 31 MB of 88 MB");
    }
}
