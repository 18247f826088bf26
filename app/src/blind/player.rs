//! The player of a test's stimuli.

use std::sync::Arc;

use crate::studio::{Stimuli, Studio};

/// The position of playback.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PassagePosition {
    /// The position that is heard, in seconds from the passage's start.
    pub seconds: f64,
    /// The passage's length in seconds.
    pub length: f64,
}

/// Plays versions of a passage, one at a time, repeating. All methods return at once.
pub trait AuditionPlayer {
    /// The rate that [`Stimuli`] must have; `None` while no sound runs.
    fn rate(&self) -> Option<u32>;

    /// Starts the sound.
    fn start(&mut self);

    /// Whether the output is silent.
    fn muted(&self) -> bool;

    /// Silences the output, or not.
    fn set_muted(&mut self, muted: bool);

    /// Plays these from their start, beginning with the first version.
    fn audition(&mut self, stimuli: Arc<Stimuli>);

    /// Changes to another version at the same place, crossfading.
    fn select(&mut self, index: usize);

    /// Goes on playing, or pauses.
    fn set_playing(&mut self, playing: bool);

    /// The position; `None` if nothing of a test plays.
    fn position(&self) -> Option<PassagePosition>;

    /// Goes back to what played before.
    fn end(&mut self);
}

impl AuditionPlayer for Studio {
    fn rate(&self) -> Option<u32> {
        self.output_rate()
    }

    fn start(&mut self) {
        Studio::start(self);
    }

    fn muted(&self) -> bool {
        Studio::muted(self)
    }

    fn set_muted(&mut self, muted: bool) {
        Studio::set_muted(self, muted);
    }

    fn audition(&mut self, stimuli: Arc<Stimuli>) {
        Studio::audition(self, stimuli);
    }

    fn select(&mut self, index: usize) {
        Studio::select(self, index);
    }

    fn set_playing(&mut self, playing: bool) {
        self.hold_audition(!playing);
    }

    fn position(&self) -> Option<PassagePosition> {
        let state = self.audition_state()?;
        Some(PassagePosition { seconds: state.position_s, length: state.length_s })
    }

    fn end(&mut self) {
        self.end_audition();
    }
}
