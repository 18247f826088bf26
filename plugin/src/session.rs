//! From activation to deactivation: the port, and what lies around it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use residue_engine::live::{AudioPort, OpenError, PortConfig};

use crate::bypass::Bypass;
use crate::gain;
use crate::instance::Instance;
use crate::model::{LoadError, PortKey, SharedModel};
use crate::pace::Pace;
use crate::settings::{settings, treatment};

/// How long a host may be kept waiting for a model when it starts audio. Small models are there by
/// then, and their latency is right from the start; larger ones follow.
const PATIENCE: Duration = Duration::from_secs(2);

/// Frames of silence that a tail has beyond the latency: what the decoder still says of the last
/// sound.
const TAIL_FRAMES: usize = 2;

/// Why audio cannot run.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Not even the embedded model can be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The port cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// A running port. Belongs to the audio thread; [`Session::process`] and [`Session::reset`] are
/// realtime-safe, but that process() waits for the codec in a render, which is not in real time: one
/// that the host says is offline, or one that is [as fast as that](Pace).
pub struct Session {
    key: PortKey,
    port: AudioPort,
    offline: bool,
    pace: Pace,
    bypass: Bypass,
    latency: usize,
    tail: usize,
}

impl Session {
    /// Loads the model if need be, and opens a port for it. An offline render waits for its model
    /// however long that takes, because its result must not depend on it.
    ///
    /// # Errors
    /// If rate, channels or block are not supported. A model that cannot run is replaced by the
    /// embedded one.
    pub fn open(
        instance: &Instance,
        rate: u32,
        channels: usize,
        max_block: usize,
        offline: bool,
    ) -> Result<Self, SessionError> {
        let params = &*instance.params;
        let treatment = treatment(params);
        let key = PortKey { rate, channels, max_block, treatment };
        let settings = settings(params);
        let config =
            PortConfig { treatment, settings, ..PortConfig::new(rate, channels, max_block) };
        let open = |model: Arc<SharedModel>| match model.open(key, config) {
            Ok((port, control)) => Ok((model, port, control)),
            Err(error) => Err(error),
        };
        let wanted = instance.model.prepare((!offline).then_some(PATIENCE))?;
        let opened = match open(wanted) {
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
            pace: Pace::new(rate, max_block, latency.total()),
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

    /// Samples from input to output.
    pub fn latency(&self) -> u32 {
        self.latency as u32
    }

    /// Samples that sound goes on for after the input has ended.
    pub fn tail(&self) -> u32 {
        self.tail as u32
    }

    /// Whether a parameter that matters when audio starts has changed since.
    pub fn outdated(&self, instance: &Instance) -> bool {
        treatment(&instance.params) != self.key.treatment
    }

    /// Starts a new stream.
    pub fn reset(&mut self) {
        self.port.reset();
        self.pace.reset();
        self.bypass.reset();
    }

    /// Replaces input by output. Channels beyond the input's get what the last of them has.
    pub fn process(&mut self, instance: &Instance, planes: &mut [&mut [f32]]) {
        let settings = settings(&instance.params);
        if settings != *self.port.settings() {
            self.port.set(&settings);
        }
        if !self.offline {
            let samples = planes.iter().map(|plane| plane.len()).min().unwrap_or(0);
            self.port.set_offline(self.pace.renders(samples, Instant::now()));
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
        self.bypass.take(planes);
        gain::apply(&params.levels.input, planes);
        self.port.process(planes);
        gain::apply(&params.levels.output, planes);
        self.bypass.mix(params.engine.bypass.value(), planes);
    }
}
