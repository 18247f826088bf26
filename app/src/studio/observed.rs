//! The state that the studio shows.

use std::sync::Arc;

use residue_engine::live::{PortControl, TokenFeed};

use super::devices::DeviceList;
use super::state::{InputKind, LoadedFile, RecordingState, RoundTrip, StreamState, TokenFile};

/// A snapshot of everything that runs. The studio's threads write it; the window copies it once a frame.
#[derive(Clone, Default)]
pub struct ObservedState {
    /// Number of the newest change of the desired state that the reconciler has applied.
    pub revision: u64,
    /// The open source.
    pub source: OpenSource,
    /// Whether devices run.
    pub stream: StreamState,
    /// The delay from air to air, where a microphone is heard.
    pub round_trip: Option<RoundTrip>,
    /// The port that runs.
    pub control: Option<Arc<PortControl>>,
    /// Counts ports.
    pub epoch: u64,
    /// Devices, as of the last time that they were listed.
    pub devices: DeviceList,
    /// The recording that runs.
    pub recording: Option<RecordingState>,
}

/// The source of sound that is open.
#[derive(Clone, Default)]
pub enum OpenSource {
    #[default]
    Microphone,
    File(Arc<LoadedFile>),
    Tokens(TokenFile),
    Feed(Arc<TokenFeed>),
}

impl OpenSource {
    /// Which kind it is of.
    pub fn kind(&self) -> InputKind {
        match self {
            Self::Microphone => InputKind::Microphone,
            Self::File(_) => InputKind::File,
            Self::Tokens(_) | Self::Feed(_) => InputKind::Tokens,
        }
    }
}
