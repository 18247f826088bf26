//! An input that gives nothing but digital silence.
//!
//! macOS does not refuse the microphone to a program that may not use it: the device runs, and every sample is
//! zero. Microphones that may be used have noise.

/// Seconds of silence after which it is told: longer than a device takes to start.
const SECONDS: u64 = 3;

/// Whether an input has been silent since it started.
pub struct SilentInput {
    device: String,
    /// Frames after which it is told.
    after: u64,
    told: bool,
}

impl SilentInput {
    /// An input at a rate in Hz.
    pub fn new(device: &str, rate: u32) -> Self {
        Self { device: device.to_owned(), after: SECONDS * u64::from(rate), told: false }
    }

    /// Returns what a person should know, once, if `frames` frames have come and none was `heard`.
    pub fn remark(&mut self, frames: u64, heard: bool) -> Option<String> {
        if self.told || heard || frames < self.after {
            return None;
        }
        self.told = true;
        Some(format!(
            "the input device {} gives nothing but silence, as macOS does for programs that may not use the \
             microphone. If it is not muted, allow Residue, or the terminal that it runs in, under System \
             Settings > Privacy & Security > Microphone, and open it again",
            self.device
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_and_sound_never() {
        let mut silent = SilentInput::new("MacBook Microphone", 48_000);
        assert_eq!(silent.remark(0, false), None);
        assert_eq!(silent.remark(143_999, false), None);
        let told = silent.remark(144_000, false).unwrap();
        assert!(
            told.contains("MacBook Microphone") && told.contains("Privacy & Security"),
            "{told}"
        );
        assert_eq!(silent.remark(288_000, false), None);
        let mut heard = SilentInput::new("x", 48_000);
        assert_eq!(heard.remark(1_000_000, true), None);
    }
}
