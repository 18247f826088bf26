//! What devices are chosen with on the command line, for errors to name.

use crate::device::ControlNames;

/// The options of `residue listen`.
pub const LISTEN: ControlNames = ControlNames {
    by: "with",
    host: "--host",
    input: "--input",
    output: "--output",
    rate: "--rate",
    buffer: "--buffer",
    channels: "--channels",
    mono: "1",
    again: "start again",
};
