//! The menu of presets.

use egui::{Button, RichText, Ui};
use residue_ui::Theme;

use super::link::Link;
use super::panel::Desk;
use crate::instance::Instance;
use crate::presets::{PRESETS, Preset};

/// A button with the preset that is set, if one is, which opens the menu.
pub fn menu(ui: &mut Ui, desk: &mut Desk) {
    let theme = Theme::of(ui);
    let set = PRESETS.iter().find(|preset| is_set(preset, &desk.instance, &mut desk.link));
    let name = set.map_or("none", |preset| preset.name);
    let text = (
        RichText::new(name).color(if set.is_some() { theme.text } else { theme.weak }),
        RichText::new("\u{23f7}").size(10.0).color(theme.weak),
    );
    let button = Button::new(text).min_size(egui::vec2(0.0, 24.0));
    let (response, _) = egui::containers::menu::MenuButton::from_button(button).ui(ui, |ui| {
        ui.set_min_width(520.0);
        for (n, preset) in PRESETS.iter().enumerate() {
            let chosen = set.is_some_and(|set| set.name == preset.name);
            let text = (
                RichText::new(format!("{}", n + 1)).color(theme.weak),
                RichText::new(preset.name).color(theme.text),
            );
            let about = RichText::new(preset.about).color(theme.weak);
            let item = ui.add(Button::new(text).right_text(about).selected(chosen));
            item.widget_info(|| {
                let text = format!("Preset {}", preset.name);
                egui::WidgetInfo::labeled(egui::accesskit::Role::MenuItem, true, text)
            });
            if item.clicked() {
                apply(preset, &desk.instance, &mut desk.link);
                ui.close();
            }
        }
    });
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::accesskit::Role::Button, true, format!("Preset: {name}"))
    });
}

/// Sets everything that a preset speaks of.
pub fn apply(preset: &Preset, instance: &Instance, link: &mut Link) {
    let (codec, line) = (&instance.params.codec, &instance.params.line);
    let [a, b] = preset.layers(&instance.model.scale());
    link.set(&codec.depth_a, a);
    link.set(&codec.depth_b, b);
    link.set(&codec.listen, preset.listen);
    link.set(&codec.swap, false);
    link.set(&codec.mix, 100.0);
    link.set(&codec.match_loudness, preset.match_loudness);
    link.set(&line.loss, preset.loss);
    link.set(&line.burst, preset.burst);
    link.set(&line.fill, preset.fill);
    link.set(&line.freeze, preset.freeze);
}

/// Whether everything is as the preset has it. A depth beyond the model's is all it has.
fn is_set(preset: &Preset, instance: &Instance, link: &mut Link) -> bool {
    let (codec, line) = (&instance.params.codec, &instance.params.line);
    let scale = instance.model.scale();
    let most = scale.layers() as i32;
    let depths = [link.get(&codec.depth_a), link.get(&codec.depth_b)];
    let near = |a: f32, b: f32| (a - b).abs() < 0.05;
    depths.map(|depth| depth.min(most)) == preset.layers(&scale).map(|depth| depth.min(most))
        && link.get(&codec.listen) == preset.listen
        && !link.get(&codec.swap)
        && near(link.get(&codec.mix), 100.0)
        && link.get(&codec.match_loudness) == preset.match_loudness
        && near(link.get(&line.loss), preset.loss)
        && near(link.get(&line.burst), preset.burst)
        && link.get(&line.fill) == preset.fill
        && link.get(&line.freeze) == preset.freeze
}
