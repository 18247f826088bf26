//! Names of the options that devices are chosen with, for errors.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::examples::check_remedies;

    #[test]
    fn errors_say_what_to_do_with_which_option() {
        check_remedies(
            &LISTEN,
            [
                "choose one of these with --host",
                "start it",
                "connect one",
                "start a JACK server",
                "choose one of these with --input",
                "connect it",
                "or choose another with --output",
                "choose another with --input",
                "choose one of these with --rate",
                "choose devices that share a rate",
                "choose 1 with --channels",
                "choose 64..128 frames with --buffer",
                "choose devices that share a block",
                "or choose another with --output",
                "connect it and start again",
                "check it and start again",
            ],
        );
    }
}
