//! The audio backends that this build knows.

use cpal::HostId;

/// Returns the audio backends that this build knows.
pub fn known() -> &'static [HostId] {
    cpal::platform::ALL_HOSTS
}

/// Returns the backend that is used when none is asked for.
pub fn default() -> HostId {
    cpal::default_host().id()
}
