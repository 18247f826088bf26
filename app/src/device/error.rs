//! Errors of devices, and what to do about them.

use super::direction::Direction;
use super::known_backends::known;
use super::ranges::show_range;

/// Names of the controls that devices are chosen with, where an error is read: options on a command line,
/// fields in a window.
#[derive(Debug)]
pub struct ControlNames {
    /// Goes before each of the names: "choose another with --host", "choose another under System".
    pub by: &'static str,
    /// Chooses the audio backend.
    pub host: &'static str,
    /// Chooses the input.
    pub input: &'static str,
    /// Chooses the output.
    pub output: &'static str,
    /// Chooses the rate.
    pub rate: &'static str,
    /// Chooses the block size.
    pub buffer: &'static str,
    /// Chooses the number of channels.
    pub channels: &'static str,
    /// The choice of a single channel.
    pub mono: &'static str,
    /// The words after "connect it and".
    pub again: &'static str,
}

/// The reason why devices do not run. The text of an error says what is wrong; [`DeviceError::told`] says
/// what to do as well.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such audio backend on this platform.
    #[error("there is no audio backend `{asked}`; this build has {}", join(available))]
    UnknownHost {
        /// As asked for.
        asked: String,
        /// Backends of this build.
        available: Vec<String>,
    },
    /// The audio backend does not answer.
    #[error("{host} does not answer ({problem})")]
    HostUnavailable {
        /// Name of the audio backend.
        host: String,
        /// In its own words.
        problem: String,
    },
    /// The audio backend has no device in this direction.
    #[error("{host} has no {direction} device")]
    NoDevice {
        /// Name of the audio backend.
        host: String,
        /// Which way.
        direction: Direction,
    },
    /// No device of that name.
    #[error("{host} has no {direction} device called `{asked}`; it has {}", join(available))]
    NoSuchDevice {
        /// Name of the audio backend.
        host: String,
        /// Which way.
        direction: Direction,
        /// As asked for.
        asked: String,
        /// Names of those there are.
        available: Vec<String>,
    },
    /// The device does not say what it can do.
    #[error("the {direction} device {device} cannot be used: {problem}")]
    Unusable {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// In the audio backend's words.
        problem: String,
    },
    /// The device has none of the sample formats that can be converted.
    #[error("the {direction} device {device} offers no usable format")]
    NoFormat {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
    },
    /// The device does not run at the rate asked for.
    #[error("the {direction} device {device} does not run at {asked} Hz; it offers {available} Hz")]
    Rate {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// Hz.
        asked: u32,
        /// Rates and ranges in Hz.
        available: String,
    },
    /// Input and output have no rate in common.
    #[error("the input offers {input} Hz and the output {output} Hz, with none in common")]
    NoCommonRate {
        /// Rates and ranges in Hz.
        input: String,
        /// Rates and ranges in Hz.
        output: String,
    },
    /// The device has too few channels.
    #[error("the {direction} device {device} has no {asked} channels, at most {most}")]
    Channels {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// Channels.
        asked: usize,
        /// Channels.
        most: usize,
    },
    /// The device cannot work in blocks of that size.
    #[error("the {direction} device {device} cannot work in blocks of {asked} frames")]
    Buffer {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// Frames.
        asked: u32,
        /// Frames.
        least: u32,
        /// Frames.
        most: u32,
    },
    /// Input and output have no block size in common.
    #[error(
        "the input works in blocks of {}, the output of {}",
        range(input.0, input.1),
        range(output.0, output.1)
    )]
    NoCommonBuffer {
        /// Frames, least and most.
        input: (u32, u32),
        /// Frames, least and most.
        output: (u32, u32),
    },
    /// The device did not start.
    #[error("cannot start the {direction} device {device}: {problem}")]
    Start {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// In the audio backend's words.
        problem: String,
    },
    /// The device went away while it ran.
    #[error("lost the {direction} device {device}: {problem}")]
    Lost {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// In the audio backend's words.
        problem: String,
    },
    /// The device stopped asking for audio, and said nothing.
    #[error("the {direction} device {device} has stood still for {seconds} s")]
    Stalled {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// Seconds without a block.
        seconds: u64,
    },
}

impl DeviceError {
    /// The error and what to do about it, in one line.
    pub fn told(&self, controls: &ControlNames) -> String {
        format!("{self}; {}", self.remedy(controls))
    }

    fn remedy(&self, controls: &ControlNames) -> String {
        let ControlNames { by, host, rate, buffer, channels, mono, again, .. } = controls;
        let device = |direction: &Direction| match direction {
            Direction::Input => controls.input,
            Direction::Output => controls.output,
        };
        let or_another_host = |first: &str| match known() {
            [_] => first.to_owned(),
            _ => format!("{first}, or choose another audio backend {by} {host}"),
        };
        match self {
            Self::UnknownHost { .. } => format!("choose one of these {by} {host}"),
            Self::HostUnavailable { .. } => or_another_host("start it"),
            Self::NoDevice { host: name, .. } if name.eq_ignore_ascii_case("jack") => {
                or_another_host("start a JACK server")
            }
            Self::NoDevice { .. } => or_another_host("connect one"),
            Self::NoSuchDevice { available, .. } if available.is_empty() => "connect it".into(),
            Self::NoSuchDevice { direction, .. } => {
                format!("choose one of these {by} {}", device(direction))
            }
            Self::Unusable { direction, .. } | Self::Start { direction, .. } => format!(
                "close other programs that use it, or choose another {by} {}",
                device(direction)
            ),
            Self::NoFormat { direction, .. } => {
                format!("choose another {by} {}", device(direction))
            }
            Self::Rate { .. } => format!("choose one of these {by} {rate}"),
            Self::NoCommonRate { .. } => "choose devices that share a rate".into(),
            Self::Channels { .. } => {
                format!("choose {mono} {by} {channels}, or another device")
            }
            Self::Buffer { least, most, .. } => {
                format!("choose {} {by} {buffer}", range(*least, *most))
            }
            Self::NoCommonBuffer { .. } => "choose devices that share a block size".into(),
            Self::Lost { .. } => format!("connect it and {again}"),
            Self::Stalled { .. } => format!("check it and {again}"),
        }
    }
}

fn join(names: &[String]) -> String {
    match names {
        [] => "none".into(),
        names => names.join(", "),
    }
}

fn range(least: u32, most: u32) -> String {
    format!("{} frames", show_range(least, most))
}

/// One error of each kind, for tests of their remedies.
#[cfg(test)]
/// Errors for tests of their texts.
pub mod examples {
    use super::*;

    /// One of each.
    pub fn all() -> Vec<DeviceError> {
        use DeviceError as E;
        use Direction::{Input, Output};
        let (host, device, problem) =
            (|| "ALSA".to_owned(), || "card".to_owned(), || "busy".to_owned());
        let blocks = |least| (least, 2 * least);
        vec![
            E::UnknownHost { asked: "x".into(), available: vec![host()] },
            E::HostUnavailable { host: host(), problem: problem() },
            E::NoDevice { host: host(), direction: Input },
            E::NoDevice { host: "JACK".into(), direction: Input },
            E::NoSuchDevice {
                host: host(),
                direction: Input,
                asked: "x".into(),
                available: vec![device()],
            },
            E::NoSuchDevice {
                host: host(),
                direction: Output,
                asked: "x".into(),
                available: Vec::new(),
            },
            E::Unusable { direction: Output, device: device(), problem: problem() },
            E::NoFormat { direction: Input, device: device() },
            E::Rate { direction: Output, device: device(), asked: 1, available: "2, 3".into() },
            E::NoCommonRate { input: "2".into(), output: "3".into() },
            E::Channels { direction: Input, device: device(), asked: 2, most: 1 },
            E::Buffer { direction: Output, device: device(), asked: 1, least: 64, most: 128 },
            E::NoCommonBuffer { input: blocks(16), output: blocks(64) },
            E::Start { direction: Output, device: device(), problem: problem() },
            E::Lost { direction: Input, device: device(), problem: problem() },
            E::Stalled { direction: Output, device: device(), seconds: 5 },
        ]
    }

    /// Checks that every error says what is wrong and what to do, in this order of [`all`], and that only
    /// a backend without a device leads to another backend.
    pub fn check_remedies(controls: &ControlNames, expected: [&str; 16]) {
        let several = known().len() > 1;
        let errors = all();
        assert_eq!(errors.len(), expected.len());
        for (error, remedy) in errors.iter().zip(expected) {
            let told = error.told(controls);
            let (what, what_to_do) = told.rsplit_once("; ").unwrap();
            assert_eq!(what, error.to_string());
            assert!(what_to_do.contains(remedy), "{remedy} in {told}");
            let another = format!("another audio backend {} {}", controls.by, controls.host);
            let may_be_elsewhere =
                matches!(error, DeviceError::HostUnavailable { .. } | DeviceError::NoDevice { .. });
            assert_eq!(told.contains(&another), several && may_be_elsewhere, "{told}");
        }
    }
}
