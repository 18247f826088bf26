//! Audio backends and devices, for people and programs to choose from.

use cpal::traits::DeviceTrait;
use cpal::{SupportedBufferSize, SupportedStreamConfigRange};
use serde::Serialize;

use super::backend::{self, AudioBackend};
use super::direction::Direction;
use super::known_backends;

/// Rates in Hz that make sense to ask for, least and most. Some plugins of ALSA's claim four billion.
pub const RATES: (u32, u32) = (8_000, 768_000);
/// The largest block in frames that makes sense to ask for.
pub const LARGEST_BLOCK: u32 = 65_536;

/// An audio backend and its devices.
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
    /// Name for people.
    pub name: String,
    /// The backend's identifier of it.
    pub id: String,
    /// Capabilities as an input, if it is one.
    pub input: Option<DeviceCapabilities>,
    /// Capabilities as an output, if it is one.
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

/// Asks every audio backend for its devices and opens each for a moment to learn what it can do;
/// those that cannot be opened now are left out.
pub fn list() -> Vec<BackendInfo> {
    let default = known_backends::default();
    let describe = |&id: &cpal::HostId| {
        let (devices, problem) = match AudioBackend::open(id) {
            Ok(host) => (devices(&host), None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        BackendInfo { name: id.name(), default: id == default, problem, devices }
    };
    known_backends::known().iter().map(describe).collect()
}

/// Whether no device of the backend can be opened in this direction.
pub fn none_usable(host: &AudioBackend, direction: Direction) -> bool {
    host.devices().iter().all(|device| configs(device, direction).is_empty())
}

/// The configurations that the device offers in this direction: none if it cannot be opened.
fn configs(device: &cpal::Device, direction: Direction) -> Vec<SupportedStreamConfigRange> {
    let configs = match direction {
        _ if !backend::works(device, direction) => return Vec::new(),
        Direction::Input => device.supported_input_configs().map(Vec::from_iter),
        Direction::Output => device.supported_output_configs().map(Vec::from_iter),
    };
    configs.unwrap_or_default()
}

fn devices(host: &AudioBackend) -> Vec<DeviceInfo> {
    let mut devices: Vec<cpal::Device> = host.devices().to_vec();
    // ALSA's default is no member of its list on every machine. WASAPI's is another object than the member.
    let is_same = |one: &cpal::Device, other: &cpal::Device| {
        let id = backend::identifier(one);
        one == other || !id.is_empty() && id == backend::identifier(other)
    };
    for direction in [Direction::Output, Direction::Input] {
        if let Some(device) = host.default_device(direction)
            && !devices.iter().any(|listed| is_same(listed, device))
        {
            devices.insert(0, device.clone());
        }
    }
    let describe = |device: &cpal::Device| {
        let side = |direction| {
            let default = host.default_device(direction);
            let is_default = default.is_some_and(|default| is_same(default, device));
            DeviceCapabilities::of(&configs(device, direction), is_default)
        };
        let (input, output) = (side(Direction::Input), side(Direction::Output));
        let (name, id) = (backend::name(device), backend::identifier(device));
        let usable = input.is_some() || output.is_some();
        usable.then_some(DeviceInfo { name, id, input, output })
    };
    devices.iter().filter_map(describe).collect()
}

impl DeviceCapabilities {
    /// The union of all configurations; `None` if there is none.
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

/// Frames a block, least and most over all configurations, where any tells; up to [`LARGEST_BLOCK`].
pub fn buffer(configs: &[SupportedStreamConfigRange]) -> Option<(u32, u32)> {
    let told = configs.iter().filter_map(|config| match *config.buffer_size() {
        SupportedBufferSize::Range { min, max } => Some((min, max)),
        SupportedBufferSize::Unknown => None,
    });
    let all = told.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    all.map(|(least, most)| (least, most.min(LARGEST_BLOCK)))
}
