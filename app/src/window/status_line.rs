//! The line at the bottom: what runs, how late, how loaded, what there is to say.

use egui::{Align, Layout, Popup, RichText, Sense, Ui, vec2};
use residue_engine::live::PortStatus;
use residue_ui::Theme;
use residue_ui::theme::size;

use super::notices::Notices;
use super::{parts, round_trip, transport};
use crate::studio::{Severity, StreamState, Studio};

/// Draws the line.
pub fn show(ui: &mut Ui, studio: &Studio, status: Option<&PortStatus>, notices: &Notices) {
    let theme = Theme::of(ui);
    let now = ui.input(|input| input.time);
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = size::SPACE;
        state(ui, &theme, studio.stream_state());
        if let Some(round_trip) = studio.round_trip() {
            let text = format!("Round trip {:.1} ms", round_trip.total_ms());
            ui.label(text).on_hover_text(round_trip::line(&round_trip));
        }
        if let Some(status) = status {
            health(ui, &theme, status, studio.stream_state());
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let count = notices.len();
            let name = parts::count(count as u64, "notice", "notices");
            let button = ui.small_button(&name).on_hover_text("all notices");
            Popup::menu(&button)
                .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
                .show(|ui| notices.list(ui, now));
            // Warnings and errors have a line of their own.
            let current = notices.current(now);
            if let Some(notice) = current.filter(|notice| notice.severity == Severity::Info) {
                let text = RichText::new(&notice.text).color(theme.text);
                ui.add(egui::Label::new(text).truncate());
            }
        });
    });
}

fn state(ui: &mut Ui, theme: &Theme, stream: &StreamState) {
    let color = match stream {
        StreamState::Stopped => theme.weak,
        StreamState::Starting => theme.text,
        StreamState::Running(_) => theme.lane(residue_ui::Lane::A),
        StreamState::Lost { .. } => theme.alert,
    };
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = size::GAP;
        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
        ui.painter().circle_filled(dot.center(), 4.0, color);
        let hint = match stream {
            StreamState::Running(facts) => match &facts.shape.input {
                Some(input) => format!("{input} \u{2192} {}", facts.shape.output),
                None => facts.shape.output.clone(),
            },
            _ => "space starts it".to_owned(),
        };
        ui.label(transport::state(stream)).on_hover_text(hint);
    });
}

/// Load and what went wrong, in color only where something did.
fn health(ui: &mut Ui, theme: &Theme, status: &PortStatus, stream: &StreamState) {
    let ink = |bad: bool| if bad { theme.alert } else { theme.text };
    let load = format!("Load {:.0} %", status.load * 100.0);
    ui.label(RichText::new(load).color(ink(status.load > 1.0)))
        .on_hover_text("time to compute a frame, of the time it lasts");
    let late = parts::count(status.late_frames, "late frame", "late frames");
    ui.label(RichText::new(late).color(ink(status.late_frames > 0)))
        .on_hover_text("frames that were not there in time and were concealed");
    if let StreamState::Running(facts) = stream {
        let counts = &facts.counts;
        let xruns = counts.input_xruns + counts.output_xruns;
        let text = parts::count(xruns, "xrun", "xruns");
        ui.label(RichText::new(text).color(ink(xruns > 0))).on_hover_text(format!(
            "dropouts that the devices reported: {} in, {} out; {} slips between their clocks, \
             input late {} times, {} input frames lost",
            counts.input_xruns,
            counts.output_xruns,
            counts.slips,
            counts.starved,
            counts.lost_frames
        ));
    }
}
