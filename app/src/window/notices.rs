//! Notices to a person, and banners.

use std::collections::VecDeque;

use egui::{Align, Layout, RichText, ScrollArea, Ui};
use residue_ui::Theme;
use residue_ui::theme::size;

use super::parts;
use crate::studio::{Severity, UserNotice};

/// Notices kept.
const KEPT: usize = 100;
/// Seconds for which one that is good to know is shown by itself.
const SHOWN: f64 = 8.0;
/// Room for the button of a banner, in points.
const BUTTON: f32 = 110.0;

/// The last notices, with the time each came.
#[derive(Default)]
pub struct Notices {
    kept: VecDeque<(f64, UserNotice)>,
    /// The newest is not to be shown by itself any longer.
    dismissed: bool,
}

impl Notices {
    /// Takes notices that came at `now`, in seconds.
    pub fn add(&mut self, now: f64, notices: impl IntoIterator<Item = UserNotice>) {
        for notice in notices {
            // A notice that repeats is kept once, with the newest time.
            if self.kept.back().is_some_and(|(_, last)| *last == notice) {
                self.kept.pop_back();
            }
            if self.kept.len() == KEPT {
                self.kept.pop_front();
            }
            self.kept.push_back((now, notice));
            self.dismissed = false;
        }
    }

    /// The newest, as long as it is to be shown by itself: warnings and errors until they are
    /// dismissed.
    pub fn current(&self, now: f64) -> Option<&UserNotice> {
        let (came, notice) = self.kept.back().filter(|_| !self.dismissed)?;
        let lasts = notice.severity > Severity::Info || now - came < SHOWN;
        lasts.then_some(notice)
    }

    /// Stops showing the newest by itself.
    pub fn dismiss(&mut self) {
        self.dismissed = true;
    }

    /// Number of notices.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Draws all of them, the newest first.
    pub fn list(&self, ui: &mut Ui, now: f64) {
        let theme = Theme::of(ui);
        ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
            ui.set_width(420.0);
            if self.kept.is_empty() {
                ui.label(RichText::new("no notices").color(theme.weak));
            }
            for (came, notice) in self.kept.iter().rev() {
                ui.horizontal_top(|ui| {
                    let ago = format!("{:.0} s ago", now - came);
                    ui.label(RichText::new(ago).color(theme.weak).size(size::SMALL));
                    ui.label(RichText::new(&notice.text).color(ink(&theme, notice.severity)));
                });
            }
        });
    }
}

fn ink(theme: &Theme, severity: Severity) -> egui::Color32 {
    if severity == Severity::Info { theme.text } else { theme.alert }
}

/// Draws a line across the page for a problem, with a button to do something about it. Returns whether
/// the button was pressed.
pub fn banner(ui: &mut Ui, text: &str, alert: bool, button: &str, hint: &str) -> bool {
    let theme = Theme::of(ui);
    let color = if alert { theme.alert } else { theme.text };
    let frame = egui::Frame::new()
        .fill(theme.surface)
        .stroke(egui::Stroke::new(1.0, if alert { theme.alert } else { theme.line }))
        .corner_radius(size::RADIUS)
        .inner_margin(egui::Margin::symmetric(10, 5));
    let row = |ui: &mut Ui| {
        let height = ui.spacing().interact_size.y;
        let room = egui::vec2((ui.available_width() - BUTTON).max(0.0), height);
        ui.allocate_ui_with_layout(room, Layout::top_down(Align::Min), |ui| {
            ui.set_width(room.x);
            ui.add(egui::Label::new(RichText::new(text).color(color)).wrap());
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button == DISMISS {
                parts::sign(ui, parts::ButtonSign::Close, DISMISS, hint).clicked()
            } else {
                ui.button(button).on_hover_text(hint).clicked()
            }
        })
        .inner
    };
    frame.show(ui, |ui| ui.horizontal(row).inner).inner
}

/// The button of a [`banner`] that only takes it away.
pub const DISMISS: &str = "Dismiss";

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(severity: Severity, text: &str) -> UserNotice {
        UserNotice { severity, text: text.into() }
    }

    #[test]
    fn what_is_good_to_know_goes_away_and_errors_stay() {
        let mut notices = Notices::default();
        assert_eq!(notices.current(0.0), None);
        notices.add(1.0, [notice(Severity::Info, "hello")]);
        assert!(notices.current(2.0).is_some() && notices.current(60.0).is_none());
        notices.add(3.0, [notice(Severity::Error, "gone")]);
        assert!(notices.current(1e6).is_some());
        notices.dismiss();
        assert_eq!(notices.current(4.0), None);
    }

    #[test]
    fn what_repeats_is_kept_once_and_few_are_kept() {
        let mut notices = Notices::default();
        for n in 0..1000 {
            notices.add(0.0, [notice(Severity::Warning, "again")]);
            assert_eq!(notices.len(), 1, "{n}");
        }
        notices.add(0.0, (0..1000).map(|n| notice(Severity::Info, &n.to_string())));
        assert_eq!(notices.len(), KEPT);
    }
}
