//! A CLAP host: instances whose audio runs on a thread of its own, with editors.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use clack_extensions::gui::{GuiConfiguration, GuiSize, HostGui, HostGuiImpl, PluginGui};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer,
    ParamRescanFlags, PluginParams,
};
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;

use crate::display::WindowId;
use crate::random::Random;
use crate::run::{Automation, EditorHost};
use crate::sound::{BLOCK, RATE, Speech};

/// Requests of the plugin to the host.
#[derive(Default)]
pub struct EditorHostRequests {
    callback: AtomicBool,
}

impl<'a> SharedHandler<'a> for EditorHostRequests {
    fn request_restart(&self) {}

    fn request_process(&self) {}

    fn request_callback(&self) {
        self.callback.store(true, Ordering::Relaxed);
    }
}

impl HostParamsImplShared for EditorHostRequests {
    fn request_flush(&self) {}
}

impl HostGuiImpl for EditorHostRequests {
    fn resize_hints_changed(&self) {}

    fn request_resize(&self, _: GuiSize) -> Result<(), HostError> {
        Ok(())
    }

    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn closed(&self, _: bool) {}
}

pub struct EditorMainThread;

impl MainThreadHandler<'_> for EditorMainThread {}

impl HostParamsImplMainThread for EditorMainThread {
    fn rescan(&self, _: ParamRescanFlags) {}

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

struct ClapEditorHost;

impl HostHandlers for ClapEditorHost {
    type Shared<'a> = EditorHostRequests;
    type MainThread<'a> = EditorMainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Self::Shared<'_>) {
        builder.register::<HostGui>();
        builder.register::<HostParams>();
    }
}

/// The library.
pub fn load(library: &Path) -> PluginEntry {
    // SAFETY: it is the library that was built with this test.
    unsafe { PluginEntry::load(library) }.expect("the library loads")
}

/// An instance whose audio runs.
pub struct ClapEditorInstance {
    plugin: PluginInstance<ClapEditorHost>,
    gui: PluginGui,
    stop: Arc<AtomicBool>,
    audio: Option<JoinHandle<StoppedPluginAudioProcessor<ClapEditorHost>>>,
}

impl ClapEditorInstance {
    /// Starts audio.
    pub fn start(entry: &PluginEntry, automation: Automation, seed: u64) -> Self {
        let info = HostInfo::new("Residue's tests", "Residue", "", "1").expect("no zeros");
        let mut plugin = PluginInstance::<ClapEditorHost>::new(
            |_| EditorHostRequests::default(),
            |_| EditorMainThread,
            entry,
            c"org.residue.residue",
            &info,
        )
        .expect("the plugin is in the library");
        let gui: PluginGui = plugin.plugin_handle().get_extension().expect("there is an editor");
        let params = parameters(&mut plugin);
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(RATE),
            min_frames_count: 1,
            max_frames_count: BLOCK as u32,
        };
        let audio = plugin.activate(|_, _| (), configuration).expect("audio starts");
        let stop = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&stop);
        let audio = std::thread::spawn(move || play(audio, &params, automation, seed, &ends));
        Self { plugin, gui, stop, audio: Some(audio) }
    }
}

impl EditorHost for ClapEditorInstance {
    fn open(&mut self, parent: WindowId, scale: f64, pause: Duration) -> [u32; 2] {
        let plugin = self.plugin.plugin_handle();
        let configuration = GuiConfiguration { api_type: WindowId::CLAP_API, is_floating: false };
        self.gui.create(&plugin, configuration).expect("the editor opens");
        if scale != 1.0 {
            self.gui.set_scale(&plugin, scale).expect("any scale will do");
        }
        let size = self.gui.get_size(&plugin).expect("it has a size");
        // Hosts make their own window only now.
        std::thread::sleep(pause);
        // SAFETY: the parent lives until the editor has been closed.
        unsafe { self.gui.set_parent(&plugin, parent.clap()) }.expect("it has a parent");
        self.gui.show(&plugin).expect("it shows");
        [size.width, size.height]
    }

    fn resize(&mut self, width: u32, height: u32) -> [u32; 2] {
        let plugin = self.plugin.plugin_handle();
        assert!(self.gui.can_resize(&plugin));
        let size = self.gui.adjust_size(&plugin, GuiSize { width, height }).expect("an answer");
        self.gui.set_size(&plugin, size).expect("it takes its own size");
        [size.width, size.height]
    }

    fn serve(&mut self) {
        let callback =
            |requests: &EditorHostRequests| requests.callback.swap(false, Ordering::Relaxed);
        if self.plugin.access_shared_handler(callback) {
            self.plugin.call_on_main_thread_callback();
        }
    }

    fn close(&mut self) {
        let plugin = self.plugin.plugin_handle();
        self.gui.hide(&plugin).expect("it hides");
        self.gui.destroy(&plugin);
    }
}

impl Drop for ClapEditorInstance {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(audio) = self.audio.take() {
            self.plugin.deactivate(audio.join().expect("audio ends"));
        }
    }
}

/// All parameters that may be automated: id, lowest and highest value.
fn parameters(plugin: &mut PluginInstance<ClapEditorHost>) -> Vec<(ClapId, f64, f64, String)> {
    let params: PluginParams = plugin.plugin_handle().get_extension().expect("there are some");
    let handle = plugin.plugin_handle();
    (0..params.count(&handle))
        .map(|index| {
            let mut buffer = ParamInfoBuffer::new();
            let info = params.get_info(&handle, index, &mut buffer).expect("it is there");
            let name = String::from_utf8_lossy(info.name).into_owned();
            (info.id, info.min_value, info.max_value, name)
        })
        .collect()
}

/// The audio thread.
fn play(
    audio: StoppedPluginAudioProcessor<ClapEditorHost>,
    params: &[(ClapId, f64, f64, String)],
    automation: Automation,
    seed: u64,
    stop: &AtomicBool,
) -> StoppedPluginAudioProcessor<ClapEditorHost> {
    let Ok(mut audio) = audio.start_processing() else { panic!("processing starts") };
    let (mut speech, mut random) = (Speech::new(), Random(seed));
    let mut input = [vec![0.0f32; BLOCK], vec![0.0; BLOCK]];
    let mut output = input.clone();
    let mut ports = (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1));
    let mut time = 0u64;
    while !stop.load(Ordering::Relaxed) {
        speech.block(&mut input);
        let mut events = EventBuffer::new();
        for (name, share) in automation.changes(time, params.len(), &mut random) {
            let found = match name {
                crate::run::ParamRef::Index(index) => params.get(index),
                crate::run::ParamRef::Name(name) => params.iter().find(|param| param.3 == name),
            };
            let (id, low, high, _) = found.expect("the parameter exists");
            let value = low + (high - low) * share;
            events.push(&ParamValueEvent::new(0, *id, Pckn::match_all(), value));
        }
        let inputs = ports.0.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                input.iter_mut().map(|plane| InputChannel::variable(&mut plane[..])),
            ),
        }]);
        let mut outputs = ports.1.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(
                output.iter_mut().map(|plane| &mut plane[..]),
            ),
        }]);
        let events = InputEvents::from_buffer(&events);
        audio
            .process(&inputs, &mut outputs, &events, &mut OutputEvents::void(), Some(time), None)
            .expect("the block is processed");
        time += BLOCK as u64;
    }
    audio.stop_processing()
}
