//! The choice of devices.

use egui::Ui;
use residue_ui::theme::size;

use crate::device::ControlNames;
use crate::studio::{
    BackendInfo, DeviceCapabilities, DeviceInfo, DeviceRequest, InputKind, StreamState, Studio,
};
use crate::window::parts;

/// The fields below, which errors name.
pub const CONTROLS: ControlNames = ControlNames {
    by: "under",
    host: "Backend",
    input: "Input",
    output: "Output",
    rate: "Rate",
    buffer: "Buffer",
    channels: "Channels",
    mono: "Mono",
    again: "sound goes on",
};
/// The choice that leaves it to the system.
const SYSTEM: &str = "System default";
/// Rates and blocks to choose from, where the devices have them.
const RATES: [u32; 8] = [16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];
const BUFFERS: [u32; 8] = [32, 64, 128, 256, 512, 1024, 2048, 4096];

pub fn show(ui: &mut Ui, studio: &mut Studio) {
    ui.horizontal(|ui| {
        parts::heading(ui, "DEVICES");
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let refreshing = studio.device_list().refreshing;
            ui.add_enabled_ui(!refreshing, |ui| {
                let hint = "asks the audio backends for their devices again";
                if parts::word(ui, "Refresh", "Refresh devices", hint) {
                    studio.refresh_devices();
                }
            });
        });
    });
    ui.spacing_mut().item_spacing.y = size::GAP;
    let choice = studio.device_request();
    let mut new = choice.clone();
    host(ui, studio, &mut new);
    if studio.input() == InputKind::Microphone {
        device(ui, studio, CONTROLS.input, |device| device.input.as_ref(), &mut new.input);
    }
    device(ui, studio, CONTROLS.output, |device| device.output.as_ref(), &mut new.output);
    rate(ui, studio, &mut new);
    buffer(ui, studio, &mut new);
    channels(ui, &mut new);
    if new != choice {
        studio.choose_devices(new);
    }
}

fn host(ui: &mut Ui, studio: &Studio, choice: &mut DeviceRequest) {
    let hosts = studio.device_list().hosts.clone();
    if hosts.len() < 2 {
        return;
    }
    parts::field(ui, CONTROLS.host, |ui| {
        let shown = choice.host.clone().unwrap_or_else(|| SYSTEM.to_owned());
        let usable = hosts.iter().filter(|host| host.problem.is_none());
        let all = usable.map(|host| (host.name.to_owned(), Some(host.name.to_owned())));
        let choices = std::iter::once((SYSTEM.to_owned(), None)).chain(all);
        let (response, chosen) = parts::choice(ui, "host", &shown, choices);
        if let Some(host) = chosen {
            // Devices of one system mean nothing to another.
            *choice = DeviceRequest { host, ..DeviceRequest::default() };
        }
        response
    });
}

/// The devices of the chosen backend; where none is chosen, of the one that runs or would be used.
fn devices(studio: &Studio) -> Vec<&DeviceInfo> {
    let hosts = &studio.device_list().hosts;
    let request = studio.device_request();
    let running = match studio.stream_state() {
        StreamState::Running(facts) => Some(facts.shape.host),
        _ => None,
    };
    let chosen = match request.host.as_deref().or(running) {
        Some(name) => hosts.iter().find(|host| host.name.eq_ignore_ascii_case(name)),
        None => used_by_default(hosts),
    };
    chosen.map(|host| host.devices.iter().collect()).unwrap_or_default()
}

/// The platform's default backend, or the first other one with devices where it has none.
fn used_by_default(hosts: &[BackendInfo]) -> Option<&BackendInfo> {
    let default = hosts.iter().find(|host| host.default);
    let has_devices = |host: &&BackendInfo| !host.devices.is_empty();
    default.filter(has_devices).or_else(|| hosts.iter().find(has_devices)).or(default)
}

fn device(
    ui: &mut Ui,
    studio: &Studio,
    caption: &str,
    side: fn(&DeviceInfo) -> Option<&DeviceCapabilities>,
    choice: &mut Option<String>,
) {
    parts::field(ui, caption, |ui| {
        let devices: Vec<&DeviceInfo> =
            devices(studio).into_iter().filter(|device| side(device).is_some()).collect();
        let known = |id: &String| devices.iter().find(|device| device.id == *id);
        let shown = match choice {
            Some(id) => known(id).map_or_else(|| id.clone(), |device| device.name.clone()),
            None => SYSTEM.to_owned(),
        };
        let all = devices.iter().map(|device| (device.name.clone(), Some(device.id.clone())));
        let choices = std::iter::once((SYSTEM.to_owned(), None)).chain(all);
        let (response, chosen) = parts::choice(ui, caption, &shown, choices);
        if let Some(chosen) = chosen {
            *choice = chosen;
        }
        response
    });
}

/// The sides of the devices that will run, as far as they are known.
fn sides(studio: &Studio) -> Vec<&DeviceCapabilities> {
    let choice = studio.device_request();
    let mut sides = Vec::new();
    let mut add = |requested: &Option<String>,
                   side: fn(&DeviceInfo) -> Option<&DeviceCapabilities>| {
        let named = |device: &&DeviceInfo| match requested {
            Some(id) => device.id == *id,
            None => side(device).is_some_and(|side| side.default),
        };
        sides.extend(devices(studio).into_iter().find(named).and_then(side));
    };
    add(&choice.output, |device| device.output.as_ref());
    if studio.input() == InputKind::Microphone {
        add(&choice.input, |device| device.input.as_ref());
    }
    sides
}

fn rate(ui: &mut Ui, studio: &Studio, choice: &mut DeviceRequest) {
    parts::field(ui, CONTROLS.rate, |ui| {
        let shown = match (choice.rate, studio.output_rate()) {
            (Some(rate), _) => parts::kilohertz(rate),
            (None, Some(rate)) => format!("Automatic ({})", parts::kilohertz(rate)),
            (None, None) => "Automatic".to_owned(),
        };
        let sides = sides(studio);
        let possible = |rate: &u32| {
            let in_one = |side: &&DeviceCapabilities| {
                side.rates.iter().any(|(low, high)| (low..=high).contains(&rate))
            };
            sides.iter().all(|side| side.rates.is_empty() || in_one(side))
        };
        let rates = RATES.into_iter().filter(possible);
        let all = rates.map(|rate| (parts::kilohertz(rate), Some(rate)));
        let choices = std::iter::once(("Automatic".to_owned(), None)).chain(all);
        let (response, chosen) = parts::choice(ui, "rate", &shown, choices);
        if let Some(rate) = chosen {
            choice.rate = rate;
        }
        response
    });
}

fn buffer(ui: &mut Ui, studio: &Studio, choice: &mut DeviceRequest) {
    let running = match studio.stream_state() {
        StreamState::Running(facts) => Some(facts.shape.buffer),
        _ => None,
    };
    parts::field(ui, CONTROLS.buffer, |ui| {
        let frames = |count: u32| format!("{count} frames");
        let shown = match (choice.buffer, running) {
            (Some(count), _) => frames(count),
            (None, Some(count)) => format!("Automatic ({count})"),
            (None, None) => "Automatic".to_owned(),
        };
        let sides = sides(studio);
        let possible = |count: &u32| {
            let fits = |side: &&DeviceCapabilities| {
                side.buffer.is_none_or(|(low, high)| (low..=high).contains(count))
            };
            sides.iter().all(fits)
        };
        let all = BUFFERS.into_iter().filter(possible).map(|count| (frames(count), Some(count)));
        let choices = std::iter::once(("Automatic".to_owned(), None)).chain(all);
        let (response, chosen) = parts::choice(ui, "buffer", &shown, choices);
        if let Some(buffer) = chosen {
            choice.buffer = buffer;
        }
        response
    });
}

fn channels(ui: &mut Ui, choice: &mut DeviceRequest) {
    parts::field(ui, CONTROLS.channels, |ui| {
        let all = [("Automatic", None), (CONTROLS.mono, Some(1)), ("Stereo", Some(2))];
        let shown = all.iter().find(|(_, count)| *count == choice.channels).map_or("", |all| all.0);
        let choices = all.map(|(name, count)| (name.to_owned(), count));
        let (response, chosen) = parts::choice(ui, "channels", shown, choices);
        if let Some(channels) = chosen {
            choice.channels = channels;
        }
        response
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::examples::{all, check_remedies};

    #[test]
    fn devices_are_those_of_the_first_backend_that_has_some() {
        let host = |name, default, devices: usize| BackendInfo {
            name,
            default,
            problem: None,
            devices: (0..devices)
                .map(|n| DeviceInfo {
                    name: n.to_string(),
                    id: n.to_string(),
                    input: None,
                    output: None,
                })
                .collect(),
        };
        let used = |hosts: &[BackendInfo]| used_by_default(hosts).map(|host| host.name);
        assert_eq!(used(&[host("JACK", false, 1), host("ALSA", true, 2)]), Some("ALSA"));
        assert_eq!(used(&[host("ALSA", true, 0), host("JACK", false, 1)]), Some("JACK"));
        assert_eq!(used(&[host("JACK", false, 0), host("ALSA", true, 0)]), Some("ALSA"));
        assert_eq!(used(&[]), None);
    }

    #[test]
    fn errors_say_what_to_do_with_which_field() {
        check_remedies(
            &CONTROLS,
            [
                "choose one of these under Backend",
                "start it",
                "connect one",
                "start a JACK server",
                "choose one of these under Input",
                "connect it",
                "or choose another under Output",
                "choose another under Input",
                "choose one of these under Rate",
                "choose devices that share a rate",
                "choose Mono under Channels",
                "choose 64..128 frames under Buffer",
                "choose devices that share a block",
                "or choose another under Output",
                "connect it and sound goes on",
                "check it and sound goes on",
            ],
        );
        for error in all() {
            assert!(!error.told(&CONTROLS).contains("--"), "{}", error.told(&CONTROLS));
        }
    }
}
