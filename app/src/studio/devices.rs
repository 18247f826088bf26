//! The audio devices, as far as the studio knows them.

use std::sync::Arc;

use crate::device::{
    self, ControlNames, DeviceError, DeviceStream, StreamCounts, StreamPlan, StreamShape,
};
pub use crate::device::{
    BackendInfo, DefaultDevices, DeviceCapabilities, DeviceInfo, DeviceRequest,
};

/// The function that processes each block in place: one plane a channel of the stream's shape.
/// Realtime-safe.
pub type AudioCallback = Box<dyn FnMut(&mut [&mut [f32]]) + Send>;

/// Audio backends and devices to choose from.
#[derive(Clone, Debug, Default)]
pub struct DeviceList {
    /// Audio backends with their devices; empty until they have been asked.
    pub hosts: Arc<[BackendInfo]>,
    /// Whether the backends are being asked now.
    pub refreshing: bool,
}

/// The reason why devices do not run. The text says what to do as well.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// Devices of this computer.
    #[error("{}", error.told(controls))]
    Device {
        /// The error.
        error: DeviceError,
        /// Names of the controls that devices are chosen with.
        controls: &'static ControlNames,
    },
    /// A simulated device that does not exist.
    #[error("there is no simulated device called `{0}`")]
    NoSimulatedDevice(String),
    /// Simulated devices that are not there.
    #[error("the simulated devices are unplugged; plug them in")]
    Unplugged,
    /// Simulated devices that went away while they ran.
    #[error("lost the simulated devices: somebody pulled the plug")]
    PulledPlug,
}

/// Audio backends and their devices: those of this computer ([`CpalBackend`]), or a
/// [`SimulatedBackend`].
///
/// No method is called on an audio thread or on the thread of a window: all of them may wait.
///
/// [`SimulatedBackend`]: super::SimulatedBackend
pub trait DeviceBackend: Send + Sync {
    /// Lists backends with their devices.
    fn list(&self) -> Vec<BackendInfo>;

    /// Returns the devices that are used where none is chosen. A change shows that the system's default
    /// has changed; what cannot be told is `None`.
    fn defaults(&self, host: Option<&str>) -> DefaultDevices;

    /// Chooses devices: an output, and an input if `with_input`.
    ///
    /// # Errors
    /// If the request cannot be met, with what can.
    fn plan(
        &self,
        request: &DeviceRequest,
        with_input: bool,
    ) -> Result<Box<dyn PlannedStream>, BackendError>;
}

/// Chosen devices, not yet running.
pub trait PlannedStream {
    /// Returns the shape of the stream that would run.
    fn shape(&self) -> &StreamShape;

    /// Returns whether the stream is rendered offline, so that blocks may wait for the codec.
    fn is_offline(&self) -> bool;

    /// Runs `callback` on every block.
    ///
    /// # Errors
    /// If a device does not start.
    fn start(
        self: Box<Self>,
        callback: AudioCallback,
    ) -> Result<Box<dyn RunningStream>, BackendError>;
}

/// Devices that run until they are closed or dropped.
pub trait RunningStream: Send {
    /// Looks after the devices; called a few times a second. Returns their remarks.
    ///
    /// # Errors
    /// If they are lost. The stream is then to be closed.
    fn check(&mut self) -> Result<Vec<String>, BackendError>;

    /// Returns the counts of dropouts and the delays since the start.
    fn counts(&self) -> StreamCounts;

    /// Ends the devices and frees the callback.
    fn close(self: Box<Self>);
}

/// The audio backends of this computer: ALSA, JACK, WASAPI, CoreAudio.
#[derive(Clone, Copy, Debug)]
pub struct CpalBackend {
    controls: &'static ControlNames,
}

impl CpalBackend {
    /// A backend whose errors name these `controls`, with which devices are chosen.
    pub fn new(controls: &'static ControlNames) -> Self {
        Self { controls }
    }
}

impl DeviceBackend for CpalBackend {
    fn list(&self) -> Vec<BackendInfo> {
        device::list()
    }

    fn defaults(&self, host: Option<&str>) -> DefaultDevices {
        device::defaults(host)
    }

    fn plan(
        &self,
        request: &DeviceRequest,
        with_input: bool,
    ) -> Result<Box<dyn PlannedStream>, BackendError> {
        let plan =
            if with_input { StreamPlan::new(request) } else { StreamPlan::output_only(request) };
        let controls = self.controls;
        let inner = plan.map_err(|error| BackendError::Device { error, controls })?;
        Ok(Box::new(WithControlNames { inner, controls }))
    }
}

/// A plan or a stream of this computer's devices, whose errors name the controls.
struct WithControlNames<T> {
    inner: T,
    controls: &'static ControlNames,
}

impl PlannedStream for WithControlNames<StreamPlan> {
    fn shape(&self) -> &StreamShape {
        self.inner.shape()
    }

    fn is_offline(&self) -> bool {
        false
    }

    fn start(
        self: Box<Self>,
        callback: AudioCallback,
    ) -> Result<Box<dyn RunningStream>, BackendError> {
        let controls = self.controls;
        let inner =
            self.inner.start(callback).map_err(|error| BackendError::Device { error, controls })?;
        Ok(Box::new(WithControlNames { inner, controls }))
    }
}

impl RunningStream for WithControlNames<DeviceStream> {
    fn check(&mut self) -> Result<Vec<String>, BackendError> {
        let controls = self.controls;
        self.inner.check().map_err(|error| BackendError::Device { error, controls })
    }

    fn counts(&self) -> StreamCounts {
        self.inner.counts()
    }

    fn close(self: Box<Self>) {
        self.inner.close();
    }
}
