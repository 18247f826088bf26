//! Sound devices: a list of them, and a stream through one function, duplex or output alone.
//!
//! Knows nothing of models or of the command line: a [`StreamPlan`] says which devices would run and how,
//! [`StreamPlan::start`] runs a function on every block between input and output, and [`DeviceStream`]
//! tells the thread that owns it how the devices are doing.
//!
//! Input and output are two streams of the backend's, on two threads and often on two clocks. They meet
//! in a bridge, which keeps a stated number of frames in hand and slips when the clocks drift apart.
//! Where both run on one clock (JACK, one sound card) it never slips, and the input passes through bit
//! for bit.
//!
//! A fixed buffer size is always asked for: the system's default buffer can be huge (2 s seen on
//! PulseAudio).
//!
//! ```text
//! stream -> choose, fallback -> list -> backend -> error -> known_backends, ranges, direction
//!    +----> bridge, convert, faults, silent_input
//! ```

mod backend;
mod bridge;
mod choose;
mod convert;
mod direction;
mod error;
mod fallback;
mod faults;
mod known_backends;
mod list;
mod ranges;
mod silent_input;
mod stream;

pub use backend::{DefaultDevices, defaults};
pub use choose::{DeviceRequest, StreamPlan, StreamShape};
pub use direction::Direction;
#[cfg(test)]
pub use error::examples;
pub use error::{ControlNames, DeviceError};
pub use list::{BackendInfo, DeviceCapabilities, DeviceInfo, LARGEST_BLOCK, RATES, list};
pub use ranges::{show_range, show_rates};
pub use stream::{DeviceStream, StreamCounts};
