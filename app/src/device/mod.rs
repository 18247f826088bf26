//! Sound devices: what there is, and a stream through one function: duplex, or output alone.
//!
//! Knows nothing of models or of the command line: a [`Plan`] says which devices would run and how,
//! [`Plan::start`] runs a function on every block between input and output, and [`Stream`] tells
//! the thread that owns it how the devices are doing.
//!
//! Input and output are two streams of the system's, on two threads and often on two clocks. They
//! meet in a bridge, which keeps a stated number of frames in hand and slips when the clocks
//! drift apart. Where both run on one clock (JACK, one sound card) it never slips, and what passes
//! through is the input bit for bit.
//!
//! A fixed buffer size is always asked for: a default once meant two seconds.

mod bridge;
mod choose;
mod convert;
mod error;
mod faults;
mod host;
mod list;
mod stream;

pub use choose::{StreamPlan, DeviceRequest, StreamShape};
pub use error::{ControlNames, DeviceError, Direction};
pub use host::{DefaultDevices, defaults};
pub use list::{DeviceInfo, BackendInfo, LARGEST_BLOCK, RATES, DeviceCapabilities, list, show_range, show_rates};
pub use stream::{StreamCounts, DeviceStream};
