//! What can go wrong with devices.

use std::fmt;

use super::list::show_range;

/// Into the computer or out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// A microphone or line in.
    Input,
    /// Headphones or loudspeakers.
    Output,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

/// What can go wrong with devices. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// No such sound system on this platform.
    #[error("there is no sound system `{asked}`; this build has {}", join(available))]
    UnknownHost {
        /// As asked for.
        asked: String,
        /// What this build has.
        available: Vec<String>,
    },
    /// The sound system does not answer.
    #[error("{host} does not answer ({problem}); start it, or choose another with --host")]
    HostUnavailable {
        /// Name of the sound system.
        host: String,
        /// In its own words.
        problem: String,
    },
    /// The sound system has no device in this direction.
    #[error("{host} has no {direction} device; {}", no_device_advice(host))]
    NoDevice {
        /// Name of the sound system.
        host: String,
        /// Which way.
        direction: Direction,
    },
    /// No device of that name.
    #[error("{host} has no {direction} device called `{asked}`; it has {}", join(available))]
    NoSuchDevice {
        /// Name of the sound system.
        host: String,
        /// Which way.
        direction: Direction,
        /// As asked for.
        asked: String,
        /// Names of those there are.
        available: Vec<String>,
    },
    /// The device does not say what it can do.
    #[error(
        "the {direction} device {device} cannot be used: {problem}; is another program using it?"
    )]
    Unusable {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// In the sound system's words.
        problem: String,
    },
    /// The device has none of the sample formats that can be converted.
    #[error("the {direction} device {device} offers no usable format; choose another device")]
    NoFormat {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
    },
    /// The device does not run at the rate asked for.
    #[error(
        "the {direction} device {device} does not run at {asked} Hz; it offers {available} Hz: \
         choose one of these with --rate"
    )]
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
    #[error(
        "the input offers {input} Hz and the output {output} Hz, with none in common; choose \
         devices that share a rate"
    )]
    NoCommonRate {
        /// Rates and ranges in Hz.
        input: String,
        /// Rates and ranges in Hz.
        output: String,
    },
    /// The device has too few channels.
    #[error(
        "the {direction} device {device} has no {asked} channels, at most {most}; use --channels 1 \
         or another device"
    )]
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
    #[error(
        "the {direction} device {device} cannot work in blocks of {asked} frames; use --buffer \
         with {}",
        range(*least, *most)
    )]
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
        "the input works in blocks of {}, the output of {}; choose devices that share a block size",
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
        /// In the sound system's words.
        problem: String,
    },
    /// The device went away while it ran.
    #[error("lost the {direction} device {device}: {problem}; connect it and start again")]
    Lost {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// In the sound system's words.
        problem: String,
    },
    /// The device stopped asking for audio, and said nothing.
    #[error(
        "the {direction} device {device} has stood still for {seconds} s; check it and start again"
    )]
    Stalled {
        /// Which way.
        direction: Direction,
        /// Its name.
        device: String,
        /// How long.
        seconds: u64,
    },
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

fn no_device_advice(host: &str) -> &'static str {
    if host.eq_ignore_ascii_case("jack") {
        "start a JACK server, or choose another sound system with --host"
    } else {
        "connect one, or see `residue devices` for other sound systems"
    }
}
