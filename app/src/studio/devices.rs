//! Where sound comes from and goes to, as far as the studio knows.

use std::sync::Arc;

use crate::device::{self, Controls, Counts, Plan, Request, Shape, Stream};
pub use crate::device::{Defaults, DeviceInfo, HostInfo, Side};

/// Wishes for devices; everything left out is the system's choice.
pub type DeviceChoice = Request;

/// What the audio thread does with each block, in place: one plane a channel of the stream's shape.
/// Realtime-safe.
pub type Work = Box<dyn FnMut(&mut [&mut [f32]]) + Send>;

/// What there is to choose from.
#[derive(Clone, Debug, Default)]
pub struct DeviceList {
    /// Sound systems with their devices; empty until they have been asked.
    pub hosts: Arc<[HostInfo]>,
    /// The sound systems are being asked now.
    pub refreshing: bool,
}

/// Sound systems and their devices: those of this computer ([`Cards`]), or [`Simulated`] ones.
///
/// No method is called on an audio thread or on the thread of a window: all of them may wait.
///
/// [`Simulated`]: super::Simulated
pub trait Devices: Send + Sync {
    /// What there is.
    fn list(&self) -> Vec<HostInfo>;

    /// The devices that are used where none is chosen. A change shows that the system's default has
    /// changed; what cannot be told is `None`.
    fn defaults(&self, host: Option<&str>) -> Defaults;

    /// Chooses devices: an output, and an input if `with_input`.
    ///
    /// # Errors
    /// What cannot be met, for a person, with what can.
    fn plan(&self, choice: &DeviceChoice, with_input: bool) -> Result<Box<dyn Planned>, String>;
}

/// Chosen devices, not yet running.
pub trait Planned {
    /// What the stream will look like.
    fn shape(&self) -> &Shape;

    /// Whether nobody hears it as it plays, and blocks may wait for the codec.
    fn is_offline(&self) -> bool;

    /// Runs `work` on every block.
    ///
    /// # Errors
    /// Why a device does not start, for a person.
    fn start(self: Box<Self>, work: Work) -> Result<Box<dyn Running>, String>;
}

/// Devices that run until they are closed or dropped.
pub trait Running: Send {
    /// Looks after the devices; called a few times a second. Returns what they remarked.
    ///
    /// # Errors
    /// Why they are lost, for a person. The stream is then to be closed.
    fn check(&mut self) -> Result<Vec<String>, String>;

    /// What has happened since the start.
    fn counts(&self) -> Counts;

    /// Ends the devices and frees the work.
    fn close(self: Box<Self>);
}

/// The sound systems of this computer.
#[derive(Clone, Copy, Debug)]
pub struct Cards {
    controls: &'static Controls,
}

impl Cards {
    /// Errors name these `controls`: those of whoever chooses the devices.
    pub fn new(controls: &'static Controls) -> Self {
        Self { controls }
    }
}

impl Devices for Cards {
    fn list(&self) -> Vec<HostInfo> {
        device::list()
    }

    fn defaults(&self, host: Option<&str>) -> Defaults {
        device::defaults(host)
    }

    fn plan(&self, choice: &DeviceChoice, with_input: bool) -> Result<Box<dyn Planned>, String> {
        let plan = if with_input { Plan::new(choice) } else { Plan::output_only(choice) };
        let controls = self.controls;
        let inner = plan.map_err(|error| error.told(controls))?;
        Ok(Box::new(OfCards { inner, controls }))
    }
}

/// A plan or a stream of this computer's, whose errors name the controls.
struct OfCards<T> {
    inner: T,
    controls: &'static Controls,
}

impl Planned for OfCards<Plan> {
    fn shape(&self) -> &Shape {
        self.inner.shape()
    }

    fn is_offline(&self) -> bool {
        false
    }

    fn start(self: Box<Self>, work: Work) -> Result<Box<dyn Running>, String> {
        let controls = self.controls;
        let inner = self.inner.start(work).map_err(|error| error.told(controls))?;
        Ok(Box::new(OfCards { inner, controls }))
    }
}

impl Running for OfCards<Stream> {
    fn check(&mut self) -> Result<Vec<String>, String> {
        self.inner.check().map_err(|error| error.told(self.controls))
    }

    fn counts(&self) -> Counts {
        self.inner.counts()
    }

    fn close(self: Box<Self>) {
        self.inner.close();
    }
}
