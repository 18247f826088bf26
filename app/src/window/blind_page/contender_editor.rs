//! Choosing what is compared.

use egui::{RichText, Slider, Ui, WidgetInfo};
use residue_engine::codec::Precision;
use residue_engine::conventional::{ConventionalCodec, OpusApplication, OpusSettings};
use residue_engine::models::EMBEDDED;
use residue_ui::Theme;

use super::TestableSound;
use crate::blind::{CodecContender, Contender};

/// Bitrate of Opus when it is chosen, in kbps: where a comparison with neural codecs begins to be one.
const OPUS_KBPS: f64 = 12.0;

/// Chooses one of the two of an ABX test, called `name`.
pub(super) fn contender(ui: &mut Ui, name: &str, contender: &mut Contender, offer: &TestableSound) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(name).strong())
            .on_hover_text("one of the two versions that are compared");
        let original = *contender == Contender::Original;
        if option(ui, original, "Original", &format!("{name}: the original")) {
            *contender = Contender::Original;
        }
        let codec = matches!(contender, Contender::Codec(_));
        if option(ui, codec, "Codec", &format!("{name}: a codec")) && !codec {
            let coded =
                CodecContender { model: EMBEDDED.into(), precision: Precision::F32, depth: 8 };
            *contender = Contender::Codec(coded);
        }
        let conventional = matches!(contender, Contender::Conventional(_));
        if option(ui, conventional, "Opus", &format!("{name}: Opus")) && !conventional {
            let settings = OpusSettings::new(OPUS_KBPS, OpusApplication::Audio);
            *contender = Contender::Conventional(ConventionalCodec::Opus(settings));
        }
    });
    if let Contender::Conventional(codec) = contender {
        ui.indent(name, |ui| opus(ui, name, codec));
    }
    if let Contender::Codec(coded) = contender {
        ui.indent(name, |ui| {
            model(ui, name, &mut coded.model, &mut coded.precision, offer);
            let Some(layers) = offer.layers(&coded.model) else { return };
            ui.horizontal(|ui| {
                ui.label("Depth");
                let slider = ui.add(Slider::new(&mut coded.depth, 1..=layers));
                let depth = coded.depth as f64;
                slider.widget_info(|| WidgetInfo::slider(true, depth, format!("{name}: depth")));
                ui.label(RichText::new(format!("of {layers} layers")).color(Theme::of(ui).weak));
            });
        });
    }
}

/// Chooses the settings of Opus, for what is called `name`.
fn opus(ui: &mut Ui, name: &str, codec: &mut ConventionalCodec) {
    let (lowest, highest) = codec.kbps_range(1);
    let ConventionalCodec::Opus(settings) = codec else { return };
    ui.horizontal_wrapped(|ui| {
        ui.label("Signal");
        for (application, text) in
            [(OpusApplication::Audio, "audio"), (OpusApplication::Voice, "voice")]
        {
            let chosen = settings.application == application;
            if option(ui, chosen, text, &format!("{name}: Opus for {text}")) {
                settings.application = application;
            }
        }
    });
    ui.horizontal(|ui| {
        ui.label("Bitrate");
        let slider = Slider::new(&mut settings.kbps, lowest..=highest)
            .logarithmic(true)
            .step_by(1.0)
            .suffix(" kbps");
        let slider = ui.add(slider);
        let kbps = settings.kbps;
        slider.widget_info(|| WidgetInfo::slider(true, kbps, format!("{name}: kbps")));
    });
}

/// Chooses a model and its precision, for what is called `name`.
pub(super) fn model(
    ui: &mut Ui,
    name: &str,
    model: &mut String,
    precision: &mut Precision,
    offer: &TestableSound,
) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Model");
        if offer.usable().next().is_none() {
            ui.label(RichText::new("Looking for models").color(Theme::of(ui).weak));
        }
        for (id, _) in offer.usable() {
            if option(ui, model == id, id, &format!("{name}: model {id}")) {
                *model = id.to_owned();
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        ui.label("Precision");
        for one in Precision::ALL {
            let label = format!("{name}: precision {one}");
            if option(ui, *precision == one, one.name(), &label) {
                *precision = one;
            }
        }
    });
}

/// One of several; whether it was clicked.
pub(super) fn option(ui: &mut Ui, chosen: bool, text: &str, name: &str) -> bool {
    let response = ui.selectable_label(chosen, text);
    response.widget_info(|| {
        WidgetInfo::selected(egui::accesskit::Role::RadioButton, true, chosen, name)
    });
    response.clicked()
}
