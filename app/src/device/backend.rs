//! An audio backend of this platform and its devices.

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{DeviceDirection, HostId};

use super::direction::Direction;
use super::error::DeviceError;
use super::known_backends::{default, known};

/// An audio backend that answered.
pub struct AudioBackend {
    id: HostId,
    devices: Vec<cpal::Device>,
    default_input: Option<cpal::Device>,
    default_output: Option<cpal::Device>,
}

/// Finds an audio backend by its name, whatever the case.
pub fn find(asked: Option<&str>) -> Result<HostId, DeviceError> {
    let Some(asked) = asked else { return Ok(default()) };
    known().iter().copied().find(|id| id.name().eq_ignore_ascii_case(asked)).ok_or_else(|| {
        let available = known().iter().map(|id| id.name().to_owned()).collect();
        DeviceError::UnknownHost { asked: asked.to_owned(), available }
    })
}

/// Returns all audio backends, the platform's default first.
pub fn by_preference() -> impl Iterator<Item = HostId> {
    let others = known().iter().copied().filter(|id| *id != default());
    std::iter::once(default()).chain(others)
}

impl AudioBackend {
    /// Asks an audio backend for its devices, without opening any.
    pub fn open(id: HostId) -> Result<Self, DeviceError> {
        quiet_alsa();
        #[cfg(feature = "jack")]
        if id == HostId::Jack {
            return Ok(Self::jack());
        }
        let unavailable = |problem: cpal::Error| DeviceError::HostUnavailable {
            host: id.name().to_owned(),
            problem: problem.to_string(),
        };
        let host = cpal::host_from_id(id).map_err(unavailable)?;
        let devices = host.devices().map_err(unavailable)?.filter(has_a_clock);
        Ok(Self {
            id,
            devices: devices.collect(),
            default_input: host.default_input_device(),
            default_output: host.default_output_device(),
        })
    }

    /// A running JACK server is one input and one output, as clients `residue_in` and
    /// `residue_out`; without a server there is neither.
    #[cfg(feature = "jack")]
    fn jack() -> Self {
        type Jack = <cpal::platform::JackHost as HostTrait>::Device;
        let (connect_to_system, start_server) = (true, false);
        let side = |open: fn(&str, bool, bool) -> Result<Jack, cpal::Error>| {
            open("residue", connect_to_system, start_server).ok().map(cpal::Device::from)
        };
        let default_input = side(Jack::default_input_device);
        let default_output = side(Jack::default_output_device);
        let devices = default_input.iter().chain(&default_output).cloned().collect();
        Self { id: HostId::Jack, devices, default_input, default_output }
    }

    pub fn name(&self) -> &'static str {
        self.id.name()
    }

    pub fn devices(&self) -> &[cpal::Device] {
        &self.devices
    }

    pub fn default_device(&self, direction: Direction) -> Option<&cpal::Device> {
        match direction {
            Direction::Input => self.default_input.as_ref(),
            Direction::Output => self.default_output.as_ref(),
        }
    }

    /// The device asked for: by identifier, else by name, else the first whose name or identifier
    /// holds what was asked for, whatever the case.
    pub fn device(
        &self,
        direction: Direction,
        asked: Option<&str>,
    ) -> Result<&cpal::Device, DeviceError> {
        let Some(asked) = asked else {
            return self
                .default_device(direction)
                .ok_or_else(|| DeviceError::NoDevice { host: self.name().into(), direction });
        };
        let able: Vec<&cpal::Device> =
            self.devices.iter().filter(|device| works(device, direction)).collect();
        let wanted = asked.to_lowercase();
        let same = |text: &str| text.to_lowercase() == wanted;
        let holds = |text: &str| text.to_lowercase().contains(&wanted);
        let found = able
            .iter()
            .find(|device| same(&identifier(device)))
            .or_else(|| able.iter().find(|device| same(&name(device))))
            .or_else(|| able.iter().find(|d| holds(&name(d)) || holds(&identifier(d))));
        found.copied().ok_or_else(|| {
            let mut available: Vec<String> = able.iter().map(|device| name(device)).collect();
            available.dedup();
            let host = self.name().into();
            DeviceError::NoSuchDevice { host, direction, asked: asked.into(), available }
        })
    }
}

/// The devices that are used where none is asked for, by their identifiers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultDevices {
    /// The input's.
    pub input: Option<String>,
    /// The output's.
    pub output: Option<String>,
}

/// Asks an audio backend, by default the platform's, for its defaults, as cheaply as it can be asked:
/// nothing is opened. JACK has no others than its server's, and tells nothing. Not realtime-safe.
pub fn defaults(host: Option<&str>) -> DefaultDevices {
    quiet_alsa();
    let Ok(id) = find(host) else { return DefaultDevices::default() };
    #[cfg(feature = "jack")]
    if id == HostId::Jack {
        return DefaultDevices::default();
    }
    let Ok(host) = cpal::host_from_id(id) else { return DefaultDevices::default() };
    DefaultDevices {
        input: host.default_input_device().map(|device| identifier(&device)),
        output: host.default_output_device().map(|device| identifier(&device)),
    }
}

/// Keeps ALSA's library from printing on stderr, on this thread, what it also returns as errors:
/// asking a machine without a sound card for its default device alone is ten lines.
fn quiet_alsa() {
    #[cfg(target_os = "linux")]
    let _ = alsa::Output::local_error_handler();
}

/// Returns the device's name for people.
pub fn name(device: &cpal::Device) -> String {
    device.to_string()
}

/// The backend's identifier of the device; unique there.
pub fn identifier(device: &cpal::Device) -> String {
    device.id().map(|id| id.id().to_owned()).unwrap_or_default()
}

/// Whether the device may work in this direction, as far as the backend says; nothing is
/// opened.
pub fn works(device: &cpal::Device, direction: Direction) -> bool {
    let said = device.description().map_or(DeviceDirection::Unknown, |said| said.direction());
    match said {
        DeviceDirection::Input => direction == Direction::Input,
        DeviceDirection::Output => direction == Direction::Output,
        _ => true,
    }
}

/// ALSA's `null` device takes and gives audio as fast as it is asked: nothing can be heard live
/// through it.
fn has_a_clock(device: &cpal::Device) -> bool {
    identifier(device) != "null"
}
