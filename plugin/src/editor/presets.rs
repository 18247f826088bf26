//! The menu of presets.

use egui::{Popup, Ui};

use super::controls::{Line, line, opener};
use super::link::Link;
use super::panel::Desk;
use crate::instance::Instance;
use crate::presets::{PRESETS, Preset};

/// Width of the menu: the longest line.
const WIDTH: f32 = 600.0;

/// A button with the preset that is set, if one is, which opens the menu.
pub fn menu(ui: &mut Ui, desk: &mut Desk) {
    let set = PRESETS.iter().find(|preset| is_set(preset, &desk.instance, &mut desk.link));
    let name = set.map_or("none", |preset| preset.name);
    let button = opener(ui, &format!("Preset: {name}"), name, "");
    Popup::menu(&button).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (n, preset) in PRESETS.iter().enumerate() {
            let chosen = set.is_some_and(|set| set.name == preset.name);
            let (label, name) =
                (format!("Preset {}", preset.name), format!("{}   {}", n + 1, preset.name));
            let looks = Line { width: WIDTH, chosen, enabled: true };
            if line(ui, &label, [&name, preset.about], looks).clicked() {
                apply(preset, &desk.instance, &mut desk.link);
                ui.close();
            }
        }
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
