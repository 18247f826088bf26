//! A host with one plugin.

#[path = "../shared/random.rs"]
mod random;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clack_extensions::audio_ports::{AudioPortFlags, AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::latency::{HostLatency, HostLatencyImpl, PluginLatency};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer,
    ParamInfoFlags, ParamRescanFlags, PluginParams,
};
use clack_extensions::remote_controls::{PluginRemoteControls, RemoteControlsPageBuffer};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_extensions::tail::{PluginTail, TailLength};
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;

pub use self::random::Random;

/// The built library, beside the test.
pub fn library() -> PathBuf {
    let folder = std::env::current_exe().expect("the test has a path");
    let name =
        format!("{}residue_plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    folder.with_file_name(name)
}

/// The library, loaded once as hosts do.
pub fn entry() -> &'static PluginEntry {
    static ENTRY: OnceLock<PluginEntry> = OnceLock::new();
    ENTRY.get_or_init(|| {
        // SAFETY: it is the library that was built with this test.
        unsafe { PluginEntry::load(library()) }.expect("the library loads")
    })
}

/// What the plugin asked the host for.
#[derive(Default)]
pub struct HostRequests {
    pub restart: AtomicBool,
    pub callback: AtomicBool,
    pub latency_changes: AtomicUsize,
}

impl<'a> SharedHandler<'a> for HostRequests {
    fn request_restart(&self) {
        self.restart.store(true, Ordering::Relaxed);
    }

    fn request_process(&self) {}

    fn request_callback(&self) {
        self.callback.store(true, Ordering::Relaxed);
    }
}

impl HostParamsImplShared for HostRequests {
    fn request_flush(&self) {}
}

pub struct MainThread<'a>(&'a HostRequests);

impl<'a> MainThreadHandler<'a> for MainThread<'a> {}

impl HostLatencyImpl for MainThread<'_> {
    fn changed(&self) {
        self.0.latency_changes.fetch_add(1, Ordering::Relaxed);
    }
}

impl HostParamsImplMainThread for MainThread<'_> {
    fn rescan(&self, _: ParamRescanFlags) {}

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

pub struct Host;

impl HostHandlers for Host {
    type Shared<'a> = HostRequests;
    type MainThread<'a> = MainThread<'a>;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Self::Shared<'_>) {
        builder.register::<HostLatency>();
        builder.register::<HostParams>();
    }
}

/// A parameter as the host sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    pub id: ClapId,
    pub name: String,
    pub group: String,
    pub flags: ParamInfoFlags,
    pub min: f64,
    pub max: f64,
    pub default: f64,
}

/// An audio port as the host sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Port {
    pub channels: u32,
    pub flags: AudioPortFlags,
    pub in_place: bool,
}

/// A change of a parameter: at which sample, which, to what.
pub type Change = (usize, ClapId, f64);

/// Makes the calls of the audio thread.
pub type Watch = fn(&mut dyn FnMut());

/// What a host leaves in an output buffer is not silence.
const LEFT_OVER: f32 = 9.0;

/// A host with one instance.
pub struct ClapRig {
    instance: PluginInstance<Host>,
    audio: Option<StartedPluginAudioProcessor<Host>>,
    pub max_block: usize,
    pub rate: u32,
    /// Outputs take the place of inputs.
    pub in_place: bool,
    /// Inputs are said to hold one value.
    pub constant: bool,
    /// Blocks come when a sound device would ask for them, and not as fast as can be.
    pub paced: bool,
    /// Makes every call that belongs to the audio thread.
    pub watch: Watch,
    inputs: usize,
    outputs: usize,
}

impl ClapRig {
    /// An instance that does not run yet.
    pub fn new() -> Self {
        let info = HostInfo::new("Residue's tests", "Residue", "", "1").expect("no zeros");
        let instance = PluginInstance::<Host>::new(
            |_| HostRequests::default(),
            |requests| MainThread(requests),
            entry(),
            c"org.residue.residue",
            &info,
        );
        let instance = instance.expect("the plugin is in the library");
        Self {
            instance,
            audio: None,
            max_block: 0,
            rate: 0,
            in_place: false,
            constant: false,
            paced: false,
            watch: |call| call(),
            inputs: 2,
            outputs: 2,
        }
    }

    /// A rig that renders offline, running.
    pub fn offline(rate: u32, max_block: usize) -> Self {
        let mut rig = Self::new();
        rig.set_offline(true);
        rig.start(rate, max_block);
        rig
    }

    fn extension<
        E: clack_host::extensions::Extension<
                ExtensionSide = clack_host::extensions::PluginExtensionSide,
            >,
    >(
        &mut self,
    ) -> E {
        self.instance.plugin_handle().get_extension().expect("the plugin has this extension")
    }

    /// Chooses how channels are laid out: stereo, mono, mono to stereo.
    pub fn layout(&mut self, index: u32, inputs: usize, outputs: usize) {
        let ports: PluginAudioPortsConfig = self.extension();
        let id = ClapId::new(index);
        ports.select(&self.instance.plugin_handle(), id).expect("the layout exists");
        (self.inputs, self.outputs) = (inputs, outputs);
    }

    pub fn set_offline(&mut self, offline: bool) {
        let render: PluginRender = self.extension();
        let mode = if offline { RenderMode::Offline } else { RenderMode::Realtime };
        render.set(&self.instance.plugin_handle(), mode).expect("both modes are there");
    }

    /// Starts audio; false if the plugin refuses.
    pub fn try_start(&mut self, rate: u32, max_block: usize) -> bool {
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(rate),
            min_frames_count: 1,
            max_frames_count: max_block as u32,
        };
        let Ok(audio) = self.instance.activate(|_, _| (), configuration) else { return false };
        let Ok(audio) = audio.start_processing() else { panic!("processing starts") };
        self.audio = Some(audio);
        (self.rate, self.max_block) = (rate, max_block);
        true
    }

    /// Starts audio.
    pub fn start(&mut self, rate: u32, max_block: usize) {
        assert!(self.try_start(rate, max_block), "{rate} Hz, blocks of {max_block}");
        self.serve();
        // The first latency is a change from none, for which a restart is asked.
        self.take_restart();
    }

    /// Stops processing and starts again, as hosts do where a plugin may sleep.
    pub fn pause(&mut self) {
        let audio = self.audio.take().expect("audio runs").stop_processing();
        let Ok(audio) = audio.start_processing() else { panic!("processing starts") };
        self.audio = Some(audio);
    }

    pub fn stop(&mut self) {
        if let Some(audio) = self.audio.take() {
            self.instance.deactivate(audio.stop_processing());
        }
    }

    /// Starts audio anew, as a host that was asked to.
    pub fn restart(&mut self) {
        let (rate, block) = (self.rate, self.max_block);
        self.stop();
        assert!(self.try_start(rate, block));
        self.serve();
    }

    /// Does what the plugin asked for on the main thread.
    pub fn serve(&mut self) {
        let asked = self
            .instance
            .access_shared_handler(|requests| requests.callback.swap(false, Ordering::Relaxed));
        if asked {
            self.instance.call_on_main_thread_callback();
        }
    }

    /// Whether a restart was asked for since this was last asked.
    pub fn take_restart(&mut self) -> bool {
        self.serve();
        self.instance
            .access_shared_handler(|requests| requests.restart.swap(false, Ordering::Relaxed))
    }

    pub fn reset(&mut self) {
        let audio = self.audio.as_mut().expect("audio runs");
        (self.watch)(&mut || audio.reset());
    }

    pub fn latency(&mut self) -> usize {
        let latency: PluginLatency = self.extension();
        latency.get(&self.instance.plugin_handle()) as usize
    }

    pub fn tail(&mut self) -> TailLength {
        let tail: PluginTail = self.extension();
        tail.get(&self.audio.as_mut().expect("audio runs").plugin_handle())
    }

    /// The input ports or the output ports.
    pub fn ports(&mut self, input: bool) -> Vec<Port> {
        let ports: PluginAudioPorts = self.extension();
        let handle = self.instance.plugin_handle();
        (0..ports.count(&handle, input))
            .map(|index| {
                let mut buffer = AudioPortInfoBuffer::new();
                let port = ports.get(&handle, index, input, &mut buffer).expect("it is there");
                let (channels, in_place) = (port.channel_count, port.in_place_pair.is_some());
                Port { channels, flags: port.flags, in_place }
            })
            .collect()
    }

    pub fn params(&mut self) -> Vec<Param> {
        let params: PluginParams = self.extension();
        let handle = self.instance.plugin_handle();
        let text = |text: &[u8]| String::from_utf8(text.to_vec()).expect("names are UTF-8");
        (0..params.count(&handle))
            .map(|index| {
                let mut buffer = ParamInfoBuffer::new();
                let info = params.get_info(&handle, index, &mut buffer).expect("it is there");
                Param {
                    id: info.id,
                    name: text(info.name),
                    group: text(info.module),
                    flags: info.flags,
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                }
            })
            .collect()
    }

    /// The pages of a controller: their names, and what their eight knobs do.
    pub fn pages(&mut self) -> Vec<(String, Vec<Option<ClapId>>)> {
        let pages: PluginRemoteControls = self.extension();
        let handle = self.instance.plugin_handle();
        (0..pages.count(&handle))
            .map(|index| {
                let mut buffer = RemoteControlsPageBuffer::new();
                let page = pages.get(&handle, index, &mut buffer).expect("it is there");
                (String::from_utf8_lossy(page.page_name).into_owned(), page.param_ids.to_vec())
            })
            .collect()
    }

    /// The parameter with this name.
    pub fn param(&mut self, name: &str) -> Param {
        let params = self.params();
        params.into_iter().find(|param| param.name == name).expect("a parameter of this name")
    }

    pub fn value(&mut self, id: ClapId) -> f64 {
        let params: PluginParams = self.extension();
        params.get_value(&self.instance.plugin_handle(), id).expect("it has a value")
    }

    /// The value of the parameter with this name, as text.
    pub fn shown(&mut self, name: &str) -> String {
        let id = self.param(name).id;
        let value = self.value(id);
        self.text(id, value)
    }

    pub fn text(&mut self, id: ClapId, value: f64) -> String {
        let params: PluginParams = self.extension();
        let mut buffer = [0; 256];
        let text = params.value_to_text(&self.instance.plugin_handle(), id, value, &mut buffer);
        String::from_utf8(text.expect("it has a text").to_vec()).expect("texts are UTF-8")
    }

    pub fn read(&mut self, id: ClapId, text: &str) -> Option<f64> {
        let params: PluginParams = self.extension();
        let text = std::ffi::CString::new(text).expect("no zeros");
        params.text_to_value(&self.instance.plugin_handle(), id, &text)
    }

    /// A change of the parameter with this name to what this text means.
    pub fn change(&mut self, at: usize, name: &str, text: &str) -> Change {
        let param = self.param(name);
        let value = self.read(param.id, text).expect("the text means a value");
        (at, param.id, value)
    }

    /// Sets parameters while audio does not run, or before the next block.
    pub fn set(&mut self, changes: &[(&str, &str)]) {
        let changes: Vec<Change> =
            changes.iter().map(|(name, text)| self.change(0, name, text)).collect();
        let params: PluginParams = self.extension();
        let events = events(&changes);
        match &mut self.audio {
            Some(audio) => (self.watch)(&mut || {
                params.flush_active(
                    &mut audio.plugin_handle(),
                    &InputEvents::from_buffer(&events),
                    &mut OutputEvents::void(),
                );
            }),
            None => params.flush(
                &mut self.instance.inactive_plugin_handle().expect("it does not run"),
                &InputEvents::from_buffer(&events),
                &mut OutputEvents::void(),
            ),
        }
    }

    pub fn save(&mut self) -> Vec<u8> {
        let state: PluginState = self.extension();
        let mut bytes = Vec::new();
        state.save(&self.instance.plugin_handle(), &mut bytes).expect("the state is saved");
        bytes
    }

    /// False if the plugin refuses.
    pub fn load(&mut self, mut bytes: &[u8]) -> bool {
        let state: PluginState = self.extension();
        let loaded = state.load(&self.instance.plugin_handle(), &mut bytes).is_ok();
        self.serve();
        loaded
    }

    /// Plays `audio` and then `tail` samples of silence, in blocks of these sizes in turn, with
    /// changes of parameters at their samples.
    pub fn play(
        &mut self,
        audio: &[Vec<f32>],
        tail: usize,
        blocks: impl IntoIterator<Item = usize>,
        changes: &[Change],
    ) -> Vec<Vec<f32>> {
        assert_eq!(audio.len(), self.inputs);
        let mut input = audio.to_vec();
        let total = input[0].len() + tail;
        input.iter_mut().for_each(|plane| plane.resize(total, 0.0));
        let mut output = vec![vec![LEFT_OVER; total]; self.outputs];
        if self.in_place {
            output.iter_mut().zip(&input).for_each(|(to, from)| to.copy_from_slice(from));
        }
        let mut at = 0;
        let mut blocks = blocks.into_iter();
        while at < total {
            let end = total.min(at + blocks.next().expect("blocks go on"));
            let now: Vec<Change> = changes
                .iter()
                .filter(|change| (at..end).contains(&change.0))
                .map(|&(sample, id, value)| (sample - at, id, value))
                .collect();
            let input: Vec<&mut [f32]> =
                input.iter_mut().map(|plane| &mut plane[at..end]).collect();
            let output = output.iter_mut().map(|plane| &mut plane[at..end]).collect();
            let began = Instant::now();
            self.block(at, input, output, &events(&now));
            if self.paced {
                let period = Duration::from_secs_f64((end - at) as f64 / f64::from(self.rate));
                std::thread::sleep(period.saturating_sub(began.elapsed()));
            }
            at = end;
        }
        let kept = |(now, was): (&Vec<f32>, &Vec<f32>)| now[..was.len()] == was[..];
        let numbers = audio.iter().flatten().all(|x| !x.is_nan());
        assert!(!numbers || input.iter().zip(audio).all(kept), "inputs belong to the host");
        output
    }

    /// A block of `input`, or, in place, of what lies in `output`.
    fn block(
        &mut self,
        at: usize,
        input: Vec<&mut [f32]>,
        output: Vec<&mut [f32]>,
        events: &EventBuffer,
    ) {
        let processor = self.audio.as_mut().expect("audio runs");
        let (inputs, length) = (input.len(), input[0].len());
        let mut ports = (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1));
        let constant = self.constant;
        let input = input.into_iter().map(|plane| InputChannel::from_buffer(plane, constant));
        let mut inputs_apart = ports.0.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(input),
        }]);
        let mut outputs = ports.1.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_output_only(output),
        }]);
        let mut buffers: Vec<_> = outputs.as_raw_buffers().to_vec();
        if self.in_place {
            buffers[0].channel_count = inputs as u32;
            // SAFETY: the channels are those of the outputs, as the ports' pairing allows, of the
            // block's length, and live as long as these.
            inputs_apart = unsafe { InputAudioBuffers::from_raw_buffers(&buffers, length as u32) };
        }
        (self.watch)(&mut || {
            processor
                .process(
                    &inputs_apart,
                    &mut outputs,
                    &InputEvents::from_buffer(events),
                    &mut OutputEvents::void(),
                    Some(at as u64),
                    None,
                )
                .expect("the block is processed");
        });
    }

    /// Plays a block of numbers of 64 bits, which no port offers to take; gives what lies in the
    /// outputs then.
    pub fn play_64_bits(&mut self, length: usize) -> Vec<Vec<f64>> {
        let processor = self.audio.as_mut().expect("audio runs");
        let mut input = vec![vec![0.5f64; length]; self.inputs];
        let mut output = vec![vec![f64::from(LEFT_OVER); length]; self.outputs];
        let mut ports = (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1));
        let inputs = ports.0.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f64_input_only(
                input.iter_mut().map(InputChannel::variable),
            ),
        }]);
        let mut outputs = ports.1.with_output_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f64_output_only(
                output.iter_mut().map(|plane| &mut plane[..]),
            ),
        }]);
        // Whether that is an error is up to the plugin.
        let _ = processor.process(
            &inputs,
            &mut outputs,
            &InputEvents::empty(),
            &mut OutputEvents::void(),
            None,
            None,
        );
        output
    }
}

impl Drop for ClapRig {
    fn drop(&mut self) {
        self.stop();
    }
}

fn events(changes: &[Change]) -> EventBuffer {
    let mut events = EventBuffer::new();
    for &(at, id, value) in changes {
        events.push(&ParamValueEvent::new(at as u32, id, Pckn::match_all(), value));
    }
    events
}

/// Reproducible noise within ±`level`.
pub fn noise(seed: u64, length: usize, level: f32) -> Vec<f32> {
    let mut random = Random(seed);
    (0..length).map(|_| (random.next() * 2.0 - 1.0) as f32 * level).collect()
}
