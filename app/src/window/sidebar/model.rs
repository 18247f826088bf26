//! The choice of a model.

use egui::{DragValue, ProgressBar, RichText, Ui};
use residue_engine::codec::Precision;
use residue_engine::kernels::MAX_THREADS;
use residue_ui::Theme;
use residue_ui::theme::size;

use residue_engine::models::{ModelRequest, PrecisionRequest};

use crate::studio::Studio;
use crate::window::parts;

/// Draws it; returns whether the models' page is asked for.
pub fn show(ui: &mut Ui, studio: &mut Studio) -> bool {
    let theme = Theme::of(ui);
    parts::heading(ui, "MODEL");
    let state = studio.model();
    let loaded = state.facts.as_ref().map(|facts| facts.request.clone());
    let request =
        state.loading.as_ref().map(|(request, _)| request.clone()).or(loaded).unwrap_or_default();
    let mut new = request.clone();
    parts::field(ui, "Name", |ui| {
        let here = studio.library().iter().filter(|model| model.here);
        let choices = here.map(|model| (model.id.clone(), model.id.clone()));
        let (response, chosen) = parts::choice(ui, "model", &request.id, choices);
        if let Some(id) = chosen {
            new.id = id;
        }
        response
    });
    precision(ui, studio, &request, &mut new);
    threads(ui, studio, &mut new);
    if new != request {
        studio.choose_model(new);
    }
    let state = studio.model();
    if let Some((request, share)) = &state.loading {
        let text = format!("loading {}", request.id);
        ui.add(ProgressBar::new(*share).text(text).desired_height(16.0));
    } else if let Some(why) = &state.failed {
        ui.label(RichText::new(why).color(theme.alert).size(size::SMALL + 1.0));
    }
    if let Some(facts) = &state.facts {
        let channels = if facts.channels == 1 { "mono" } else { "stereo" };
        let text = format!(
            "{} {channels}, {} layers of {} kbps, {:.0} ms frames",
            parts::kilohertz(facts.rate),
            facts.layers,
            facts.kbps_per_layer,
            facts.frame_ms
        );
        ui.label(RichText::new(text).color(theme.weak).size(size::SMALL + 1.0));
    }
    ui.button("All models\u{2026}").on_hover_text("download, check, compare (ctrl 3)").clicked()
}

/// The precisions, with what they cost beside them where that was measured.
fn precision(ui: &mut Ui, studio: &Studio, request: &ModelRequest, new: &mut ModelRequest) {
    let facts = studio.model().facts.as_ref().filter(|facts| facts.request == *request);
    let running = facts.map(|facts| facts.precision);
    let reason = facts.and_then(|facts| facts.precision_reason.clone());
    parts::field(ui, "Precision", |ui| {
        let costs = studio.precision_costs(&request.id);
        let text = |precision: Precision| {
            let cost = costs?.iter().find(|cost| cost.precision == precision)?;
            Some(format!(
                "{}  load {:.0} %, {:.0} % of codes",
                precision.name(),
                cost.load * 100.0,
                cost.agreement * 100.0
            ))
        };
        let shown = |choice: PrecisionRequest| match choice {
            PrecisionRequest::Automatic => choice.label(running),
            PrecisionRequest::Fixed(precision) => {
                text(precision).unwrap_or_else(|| precision.name().into())
            }
        };
        // The precision that automatic came to is known of the running request only.
        let offered = |choice: PrecisionRequest| match choice == request.precision {
            true => shown(choice),
            false if choice == PrecisionRequest::Automatic => choice.label(None),
            false => shown(choice),
        };
        let choices = PrecisionRequest::ALL.map(|choice| (offered(choice), choice));
        let (response, chosen) = parts::choice(ui, "precision", &shown(request.precision), choices);
        if let Some(precision) = chosen {
            new.precision = precision;
        }
        let hint = "f32 chooses the reference's own codes; the others are faster";
        response.on_hover_text(reason.unwrap_or_else(|| hint.to_owned()))
    });
}

fn threads(ui: &mut Ui, studio: &Studio, new: &mut ModelRequest) {
    let running = studio.model().facts.as_ref().map(|facts| facts.threads);
    parts::field(ui, "Threads", |ui| {
        let automatic = move |count: f64| match (count as usize, running) {
            (0, Some(running)) => format!("automatic ({running})"),
            (0, None) => "automatic".to_owned(),
            (count, _) => count.to_string(),
        };
        let value = DragValue::new(&mut new.threads)
            .range(0..=MAX_THREADS)
            .speed(0.05)
            .update_while_editing(false)
            .custom_formatter(move |count, _| automatic(count))
            .custom_parser(|text| text.trim().parse().ok().or(Some(0.0)));
        ui.add(value)
            .on_hover_text("0: one thread for each core but one, which is left to the devices")
    });
}
