//! Continuous values between the audio thread and the others. Each way only the newest value counts, so
//! that both are triple buffers: a writer never waits, and nothing is ever queued or lost.

use residue_engine::live::PortSettings;

/// The serial number of no player.
pub const NO_PLAYER: u64 = 0;

/// Requests to the audio thread, apart from the objects that it is to own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SoundControls {
    /// Source, depths and effects of the port.
    pub settings: PortSettings,
    /// Output gain as a factor: volume and mute.
    pub gain: f32,
    /// Play, pause, position and loop of the player.
    pub transport: TransportControls,
    /// The audition to be heard instead of the player.
    pub audition: Option<AuditionControls>,
    /// Serial number of the recording that is to go on.
    pub recording: Option<u64>,
}

/// Requests for one player, in samples at the rate of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransportControls {
    /// Serial number of the player that is meant; others are left alone.
    pub player: u64,
    /// Number of the newest request to play, pause or seek.
    pub request: u64,
    /// Whether it plays.
    pub playing: bool,
    /// Number of the newest request to play: a player at its end starts over for it.
    pub play_request: u64,
    /// Number of the newest request to seek, and where to.
    pub seek: (u64, u64),
    /// The loop, from sample to sample.
    pub region: Option<(u64, u64)>,
}

/// Requests for one audition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditionControls {
    /// Serial number of the audition that is meant.
    pub serial: u64,
    /// The version that is heard.
    pub index: usize,
    /// Whether it stands still.
    pub held: bool,
}

/// The state of the audio thread after a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoundStatus {
    /// The newest request to play, pause or seek that has been applied.
    pub request: u64,
    /// Serial number of the player that runs.
    pub player: u64,
    /// The player's sample that is heard next.
    pub heard: u64,
    /// Whether the player plays.
    pub playing: bool,
    /// The audition's sample that is heard next.
    pub audition: u64,
}
