//! The preset menu.

use egui::{Popup, Ui};

use super::context::EditorContext;
use super::controls::{ListRow, list_row, menu_button};
use super::host_params::HostParams;
use crate::instance::Instance;
use crate::presets::{PRESETS, Preset};

/// Width of the menu in points: that of the longest row.
const WIDTH: f32 = 600.0;

/// Draws a button with the name of the active preset, if there is one, which opens the menu.
pub fn menu(ui: &mut Ui, context: &mut EditorContext) {
    let active =
        PRESETS.iter().find(|preset| is_active(preset, &context.instance, &mut context.host));
    let name = active.map_or("none", |preset| preset.name);
    let button = menu_button(ui, &format!("Preset: {name}"), name, "");
    Popup::menu(&button).show(|ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        for (n, preset) in PRESETS.iter().enumerate() {
            let chosen = active.is_some_and(|active| active.name == preset.name);
            let (label, name) =
                (format!("Preset {}", preset.name), format!("{}   {}", n + 1, preset.name));
            let row = ListRow { width: WIDTH, chosen, enabled: true };
            if list_row(ui, &label, [&name, preset.about], row).clicked() {
                apply(preset, &context.instance, &mut context.host);
                ui.close();
            }
        }
    });
}

/// Sets all parameters of a preset.
pub fn apply(preset: &Preset, instance: &Instance, host: &mut HostParams) {
    let (codec, transmission) = (&instance.params.codec, &instance.params.transmission);
    let [a, b] = preset.layers(&instance.model.layer_bitrate());
    host.set(&codec.depth_a, a);
    host.set(&codec.depth_b, b);
    host.set(&codec.listen, preset.listen);
    host.set(&codec.swap, false);
    host.set(&codec.mix, 100.0);
    host.set(&codec.match_loudness, preset.match_loudness);
    host.set(&transmission.loss, preset.loss);
    host.set(&transmission.burst, preset.burst);
    host.set(&transmission.fill, preset.fill);
    host.set(&transmission.freeze, preset.freeze);
}

/// Whether all parameters have the preset's values. A depth beyond the model's layers equals all of them.
fn is_active(preset: &Preset, instance: &Instance, host: &mut HostParams) -> bool {
    let (codec, transmission) = (&instance.params.codec, &instance.params.transmission);
    let layer_bitrate = instance.model.layer_bitrate();
    let max = layer_bitrate.layers() as i32;
    let depths = [host.get(&codec.depth_a), host.get(&codec.depth_b)];
    let near = |a: f32, b: f32| (a - b).abs() < 0.05;
    depths.map(|depth| depth.min(max)) == preset.layers(&layer_bitrate).map(|depth| depth.min(max))
        && host.get(&codec.listen) == preset.listen
        && !host.get(&codec.swap)
        && near(host.get(&codec.mix), 100.0)
        && host.get(&codec.match_loudness) == preset.match_loudness
        && near(host.get(&transmission.loss), preset.loss)
        && near(host.get(&transmission.burst), preset.burst)
        && host.get(&transmission.fill) == preset.fill
        && host.get(&transmission.freeze) == preset.freeze
}
