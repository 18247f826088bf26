//! The plugin as hosts see it: channel layouts, ids, activation and `process()`.

use std::sync::Arc;

use nice_plug::prelude::*;

use crate::editor::ResidueEditor;
use crate::instance::Instance;
use crate::newer_state::VERSION;
use crate::saved_params::SavedParams;
use crate::session::Session;
use crate::state;
use crate::workarounds::keep_worker_alive;

/// The plugin.
#[derive(Default)]
pub struct Residue {
    instance: Instance,
    session: Option<Session>,
    /// The host has been asked to restart audio because a parameter needs it.
    restart_requested: bool,
}

const MONO: Option<NonZeroU32> = NonZeroU32::new(1);
const STEREO: Option<NonZeroU32> = NonZeroU32::new(2);

const fn layout(
    input: Option<NonZeroU32>,
    output: Option<NonZeroU32>,
    name: &'static str,
) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: input,
        main_output_channels: output,
        names: PortNames { layout: Some(name), ..PortNames::const_default() },
        ..AudioIOLayout::const_default()
    }
}

impl Plugin for Residue {
    const NAME: &'static str = "Residue";
    const VENDOR: &'static str = "Residue";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = VERSION;
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[
        layout(STEREO, STEREO, "Stereo"),
        layout(MONO, MONO, "Mono"),
        layout(MONO, STEREO, "Mono to stereo"),
    ];
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = ResidueEditor;
    type SysExMessage = ();
    // nice-plug's executor aborts the host when an instance is dropped with a task pending; models are
    // loaded by a thread of our own instead.
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        Arc::new(SavedParams(Arc::clone(&self.instance.params)))
    }

    fn editor(&mut self, _: AsyncExecutor<Self>) -> Option<ResidueEditor> {
        Some(ResidueEditor::new(self.instance.clone()))
    }

    fn filter_state(state: &mut PluginState) {
        state::prepare_state(state);
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        config: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        keep_worker_alive(context.plugin_api());
        self.close();
        let channels = layout.main_input_channels.map_or(0, |channels| channels.get() as usize);
        let rate = config.sample_rate.round() as u32;
        let max_block = config.max_buffer_size.max(1) as usize;
        let offline = config.process_mode == ProcessMode::Offline;
        match Session::open(&self.instance, rate, channels, max_block, offline) {
            Ok(session) => {
                context.set_latency_samples(session.latency());
                self.session = Some(session);
                true
            }
            Err(error) => {
                nice_error!("Residue cannot run: {error}");
                false
            }
        }
    }

    fn deactivate(&mut self) {
        self.close();
    }

    fn reset(&mut self) {
        if let Some(session) = &mut self.session {
            session.reset();
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let Some(session) = &mut self.session else {
            return ProcessStatus::Error("not activated");
        };
        let outdated = session.outdated(&self.instance);
        if self.instance.model.take_restart() || (outdated && !self.restart_requested) {
            context.request_restart();
        }
        self.restart_requested = outdated;
        session.process(&self.instance, buffer.as_slice());
        if self.instance.params.transmission.freeze.value() {
            ProcessStatus::KeepAlive
        } else {
            ProcessStatus::Tail(session.tail())
        }
    }
}

impl Residue {
    /// Closes the port and stops its worker thread.
    fn close(&mut self) {
        self.session = None;
        self.restart_requested = false;
        drop(self.instance.model.detach());
    }
}

impl Drop for Residue {
    fn drop(&mut self) {
        self.close();
        self.instance.stop();
    }
}

impl ClapPlugin for Residue {
    const CLAP_ID: &'static str = "org.residue.residue";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Hear what a neural audio codec keeps at each bitrate, and what it leaves behind");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::Stereo,
        ClapFeature::Mono,
        ClapFeature::Glitch,
        ClapFeature::Analyzer,
        ClapFeature::Utility,
    ];

    fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        self.instance.params.remote_controls(context);
    }
}

impl Vst3Plugin for Residue {
    const VST3_CLASS_ID: [u8; 16] = *b"ResidueCodecFx01";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Fx, Vst3SubCategory::Analyzer, Vst3SubCategory::Tools];
}
