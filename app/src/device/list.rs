//! What there is, for people and programs to choose from.

use cpal::traits::DeviceTrait;
use cpal::{SupportedBufferSize, SupportedStreamConfigRange};
use serde::Serialize;

use super::error::Direction;
use super::host::{self, AudioBackend};

/// Rates in Hz that make sense to ask for, least and most. Some plugins of ALSA's claim four billion.
pub const RATES: (u32, u32) = (8_000, 768_000);
/// The largest block in frames that makes sense to ask for.
pub const LARGEST_BLOCK: u32 = 65_536;

/// A sound system and its devices.
#[derive(Debug, Serialize)]
pub struct BackendInfo {
    /// Name, as `--host` takes it.
    pub name: &'static str,
    /// Whether it is used when none is asked for.
    pub default: bool,
    /// Why it cannot be used, if it cannot.
    pub problem: Option<String>,
    /// Those of its devices that can be used now.
    pub devices: Vec<DeviceInfo>,
}

/// A device.
#[derive(Debug, Serialize)]
pub struct DeviceInfo {
    /// What people call it.
    pub name: String,
    /// What the sound system calls it.
    pub id: String,
    /// What it records, if it does.
    pub input: Option<DeviceCapabilities>,
    /// What it plays, if it does.
    pub output: Option<DeviceCapabilities>,
}

/// One direction of a device.
#[derive(Debug, PartialEq, Serialize)]
pub struct DeviceCapabilities {
    /// Whether it is used when none is asked for.
    pub default: bool,
    /// Rates in Hz, least and most of each range, in ascending order.
    pub rates: Vec<(u32, u32)>,
    /// Numbers of channels, in ascending order.
    pub channels: Vec<u16>,
    /// Frames a block, least and most, where the device tells.
    pub buffer: Option<(u32, u32)>,
    /// Sample formats.
    pub formats: Vec<String>,
}

/// Asks every sound system for its devices and opens each for a moment to learn what it can do;
/// those that nobody can open now are left out.
pub fn list() -> Vec<BackendInfo> {
    let default = host::default();
    let describe = |&id: &cpal::HostId| {
        let (devices, problem) = match AudioBackend::open(id) {
            Ok(host) => (devices(&host), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        BackendInfo { name: id.name(), default: id == default, problem, devices }
    };
    host::known().iter().map(describe).collect()
}

/// Whether no device of the sound system can be opened in this direction.
pub fn none_usable(host: &AudioBackend, direction: Direction) -> bool {
    host.devices().iter().all(|device| configs(device, direction).is_empty())
}

/// What the device offers in this direction: nothing if it cannot be opened.
fn configs(device: &cpal::Device, direction: Direction) -> Vec<SupportedStreamConfigRange> {
    let configs = match direction {
        _ if !host::works(device, direction) => return Vec::new(),
        Direction::Input => device.supported_input_configs().map(Vec::from_iter),
        Direction::Output => device.supported_output_configs().map(Vec::from_iter),
    };
    configs.unwrap_or_default()
}

fn devices(host: &AudioBackend) -> Vec<DeviceInfo> {
    let mut devices: Vec<cpal::Device> = host.devices().to_vec();
    // ALSA's default is no member of its list on every machine.
    for direction in [Direction::Output, Direction::Input] {
        if let Some(device) = host.default_device(direction)
            && !devices.contains(device)
        {
            devices.insert(0, device.clone());
        }
    }
    let describe = |device: &cpal::Device| {
        let side = |direction| {
            let is_default = host.default_device(direction) == Some(device);
            DeviceCapabilities::of(&configs(device, direction), is_default)
        };
        let (input, output) = (side(Direction::Input), side(Direction::Output));
        let (name, id) = (host::name(device), host::identifier(device));
        let usable = input.is_some() || output.is_some();
        usable.then_some(DeviceInfo { name, id, input, output })
    };
    devices.iter().filter_map(describe).collect()
}

impl DeviceCapabilities {
    /// Everything that the configurations offer together; `None` if there is none.
    pub fn of(configs: &[SupportedStreamConfigRange], default: bool) -> Option<Self> {
        if configs.is_empty() {
            return None;
        }
        let mut channels: Vec<u16> = configs.iter().map(|config| config.channels()).collect();
        channels.sort_unstable();
        channels.dedup();
        let mut formats: Vec<String> = Vec::new();
        for config in configs {
            let format = config.sample_format().to_string();
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        Some(Self { default, rates: rates(configs), channels, buffer: buffer(configs), formats })
    }
}

/// Rates in Hz, least and most of each range, in ascending order; a device that claims more than
/// [`RATES`] is believed that far.
pub fn rates(configs: &[SupportedStreamConfigRange]) -> Vec<(u32, u32)> {
    let within = |config: &SupportedStreamConfigRange| {
        (config.min_sample_rate().max(RATES.0), config.max_sample_rate().min(RATES.1))
    };
    let mut rates: Vec<(u32, u32)> = configs.iter().map(within).collect();
    rates.retain(|(least, most)| least <= most);
    rates.sort_unstable();
    rates.dedup();
    rates
}

/// Rates as people read them: `44100, 48000..192000`.
pub fn show_rates(rates: &[(u32, u32)]) -> String {
    rates.iter().map(|&(least, most)| show_range(least, most)).collect::<Vec<_>>().join(", ")
}

/// A range as people read it: `16..8192`, or `256` where there is no choice.
pub fn show_range(least: u32, most: u32) -> String {
    if least == most { least.to_string() } else { format!("{least}..{most}") }
}

/// Frames a block, least and most over all configurations, where any tells; up to [`LARGEST_BLOCK`].
pub fn buffer(configs: &[SupportedStreamConfigRange]) -> Option<(u32, u32)> {
    let told = configs.iter().filter_map(|config| match *config.buffer_size() {
        SupportedBufferSize::Range { min, max } => Some((min, max)),
        SupportedBufferSize::Unknown => None,
    });
    let all = told.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    all.map(|(least, most)| (least, most.min(LARGEST_BLOCK)))
}
