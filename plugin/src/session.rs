//! Audio between activation and deactivation: the port, gains and bypass.

use std::sync::Arc;
use std::time::{Duration, Instant};

use residue_engine::live::{AudioPort, OpenError, PortConfig};
use residue_engine::models::ModelLoadError;

use crate::bypass::Bypass;
use crate::gain::apply_gain;
use crate::instance::Instance;
use crate::model::{PortKey, SharedModel};
use crate::port_settings::{mono_treatment, port_settings};
use crate::render_detection::RenderDetector;

/// Longest wait for a model while the host activates the plugin in real time. Small models are loaded
/// by then, so that the first reported latency is theirs; larger ones are switched to later.
const MAX_LOAD_WAIT: Duration = Duration::from_secs(2);

/// Codec frames that the tail has beyond the latency, for the decoder's response to the last sound.
const TAIL_FRAMES: usize = 2;

/// Why audio cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The embedded model cannot be loaded.
    #[error(transparent)]
    Load(#[from] ModelLoadError),
    /// The port cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A running port with gains and bypass around it. Belongs to the audio thread.
///
/// [`Session::process`] and [`Session::reset`] are realtime-safe, except that `process` waits for the
/// codec during a render: when the host reports offline mode, or when a [`RenderDetector`] finds that it
/// renders without reporting it.
pub struct Session {
    key: PortKey,
    port: AudioPort,
    offline: bool,
    render_detector: RenderDetector,
    bypass: Bypass,
    latency: usize,
    tail: usize,
}

impl Session {
    /// Loads the requested model if necessary, and opens a port for it at `rate` Hz. An offline render
    /// waits for the model as long as loading takes, because its result must not depend on timing.
    ///
    /// # Errors
    /// If rate, channels or block size are not supported. A model that cannot run is replaced by the
    /// embedded one.
    pub fn open(
        instance: &Instance,
        rate: u32,
        channels: usize,
        max_block: usize,
        offline: bool,
    ) -> Result<Self, SessionError> {
        let params = &*instance.params;
        let treatment = mono_treatment(params);
        let key = PortKey { rate, channels, max_block, treatment };
        let settings = port_settings(params);
        let config =
            PortConfig { treatment, settings, ..PortConfig::new(rate, channels, max_block) };
        let open = |model: Arc<SharedModel>| match model.open(key, config) {
            Ok((port, control)) => Ok((model, port, control)),
            Err(error) => Err(error),
        };
        let requested = instance.model.prepare((!offline).then_some(MAX_LOAD_WAIT))?;
        let opened = match open(requested) {
            Err(OpenError::Model(_)) => open(SharedModel::embedded()?),
            opened => opened,
        };
        let (model, mut port, control) = opened?;
        port.set_offline(offline);
        let latency = port.latency();
        instance.model.attach(Arc::new(control), model);
        Ok(Self {
            key,
            offline,
            render_detector: RenderDetector::new(rate, max_block, latency.total()),
            bypass: Bypass::new(
                channels,
                latency.total(),
                max_block,
                rate,
                params.engine.bypass.value(),
            ),
            latency: latency.total(),
            tail: latency.total() + TAIL_FRAMES * latency.frame,
            port,
        })
    }

    /// Returns the latency from input to output, in samples.
    pub fn latency(&self) -> u32 {
        self.latency as u32
    }

    /// Returns for how many samples sound continues after the input has ended.
    pub fn tail(&self) -> u32 {
        self.tail as u32
    }

    /// Whether a parameter that takes effect only at activation has changed since.
    pub fn outdated(&self, instance: &Instance) -> bool {
        mono_treatment(&instance.params) != self.key.treatment
    }

    /// Starts a new stream.
    pub fn reset(&mut self) {
        self.port.reset();
        self.render_detector.reset();
        self.bypass.reset();
    }

    /// Replaces input by output in place. Output channels beyond the input's get a copy of the last one.
    pub fn process(&mut self, instance: &Instance, planes: &mut [&mut [f32]]) {
        let settings = port_settings(&instance.params);
        if settings != *self.port.settings() {
            self.port.set(&settings);
        }
        if !self.offline {
            let samples = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
            self.port.set_offline(self.render_detector.update(samples, Instant::now()));
        }
        let (main, more) = planes.split_at_mut(self.key.channels.min(planes.len()));
        let length = main.iter().map(|plane| plane.len()).min().unwrap_or(0);
        let channels = main.len();
        for start in (0..length).step_by(self.key.max_block) {
            let end = length.min(start + self.key.max_block);
            let mut block: [&mut [f32]; 2] = Default::default();
            for (block, plane) in block.iter_mut().zip(&mut *main) {
                *block = &mut plane[start..end];
            }
            self.block(instance, &mut block[..channels]);
        }
        if let Some(last) = main.last() {
            for plane in more {
                let length = plane.len().min(last.len());
                plane[..length].copy_from_slice(&last[..length]);
            }
        }
    }

    fn block(&mut self, instance: &Instance, planes: &mut [&mut [f32]]) {
        let params = &*instance.params;
        self.bypass.push(planes);
        apply_gain(&params.levels.input, planes);
        self.port.process(planes);
        apply_gain(&params.levels.output, planes);
        self.bypass.mix(params.engine.bypass.value(), planes);
    }
}
