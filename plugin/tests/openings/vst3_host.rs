//! A VST3 host: just enough of one for instances whose audio runs on a thread of its own, with editors.
//!
//! On Linux every other instance is given no run loop, as by hosts that have none: the wrapper then does on a
//! thread of its own what belongs on the main thread. On Windows the thread's messages are the loop.

use std::ffi::c_void;
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use vst3::Steinberg::Vst::BusDirections_::{kInput, kOutput};
use vst3::Steinberg::Vst::MediaTypes_::kAudio;
use vst3::Steinberg::Vst::ProcessModes_::kRealtime;
use vst3::Steinberg::Vst::SymbolicSampleSizes_::kSample32;
use vst3::Steinberg::Vst::ViewType::kEditor;
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, IAudioProcessor, IAudioProcessorTrait, IComponent,
    IComponentHandler, IComponentHandlerTrait, IComponentTrait, IEditController,
    IEditControllerTrait, IHostApplication, IHostApplicationTrait, IParamValueQueue,
    IParamValueQueueTrait, IParameterChanges, IParameterChangesTrait, ParamID, ParamValue,
    ParameterInfo, ProcessData, ProcessSetup, String128,
};
use vst3::Steinberg::{
    FUnknown, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewTrait, IPluginBaseTrait, TUID,
    ViewRect, int32, kInvalidArgument, kNotImplemented, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use crate::display::WindowId;
use crate::random::Random;
use crate::run::{Automation, EditorHost, ParamRef};
#[cfg(target_os = "linux")]
use crate::run_loop::Loop;
use crate::sound::{BLOCK, RATE, Speech};
use crate::vst3_module::Vst3Module;

/// The loaded library, and how many instances it has given.
pub struct Vst3EditorHost {
    module: Vst3Module,
    instances: AtomicUsize,
}

impl Vst3EditorHost {
    /// Loads it.
    pub fn load(library: &Path) -> Self {
        Self { module: Vst3Module::load(library), instances: AtomicUsize::new(0) }
    }
}

/// An instance whose audio runs.
pub struct Vst3EditorInstance {
    component: ComPtr<IComponent>,
    controller: ComPtr<IEditController>,
    frame: Frame,
    view: Option<ComPtr<IPlugView>>,
    _handler: ComWrapper<Handler>,
    _application: ComWrapper<Application>,
    stop: Arc<AtomicBool>,
    audio: Option<JoinHandle<()>>,
    random: Random,
    params: Vec<ParamID>,
}

impl Vst3EditorInstance {
    /// Starts audio.
    pub fn start(host: &Vst3EditorHost, automation: Automation, seed: u64) -> Self {
        let application = ComWrapper::new(Application);
        let handler = ComWrapper::new(Handler);
        let number = host.instances.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the calls of the format in their order, with pointers to what lives long enough.
        unsafe {
            let component = host.module.create();
            let context = application.as_com_ref::<IHostApplication>().expect("it is one");
            assert_eq!(component.initialize(context.as_ptr().cast::<FUnknown>()), kResultOk);
            let controller = component.cast::<IEditController>().expect("one object for both");
            let callbacks = handler.as_com_ref::<IComponentHandler>().expect("it is one");
            controller.setComponentHandler(callbacks.as_ptr());
            let processor = component.cast::<IAudioProcessor>().expect("it plays");
            for direction in [kInput, kOutput] {
                component.activateBus(kAudio as int32, direction as int32, 0, 1);
            }
            let mut setup = ProcessSetup {
                processMode: kRealtime as int32,
                symbolicSampleSize: kSample32 as int32,
                maxSamplesPerBlock: BLOCK as int32,
                sampleRate: f64::from(RATE),
            };
            assert_eq!(processor.setupProcessing(&mut setup), kResultOk);
            assert_eq!(component.setActive(1), kResultOk);
            let params = parameters(&controller);
            let stop = Arc::new(AtomicBool::new(false));
            let (ends, all) = (Arc::clone(&stop), params.clone());
            let playing = Playing(processor);
            let audio = std::thread::spawn(move || play(playing, &all, automation, seed, &ends));
            let frame = Frame::new(number.is_multiple_of(2));
            Self {
                component,
                controller,
                frame,
                view: None,
                _handler: handler,
                _application: application,
                stop,
                audio: Some(audio),
                random: Random(seed + 77),
                params,
            }
        }
    }
}

impl EditorHost for Vst3EditorInstance {
    fn open(&mut self, parent: WindowId, _: f64, _: Duration) -> [u32; 2] {
        // SAFETY: as above; the frame and the parent live until the view has been removed.
        unsafe {
            let view = self.controller.createView(kEditor);
            let view = ComPtr::from_raw(view).expect("there is an editor");
            let frame = self.frame.frame();
            assert_eq!(view.setFrame(frame.as_ptr()), kResultOk);
            let mut size = ViewRect { left: 0, top: 0, right: 0, bottom: 0 };
            assert_eq!(view.getSize(&mut size), kResultOk);
            assert_eq!(view.attached(parent.vst3(), WindowId::VST3_TYPE), kResultOk);
            self.view = Some(view);
            [size.right as u32, size.bottom as u32]
        }
    }

    fn resize(&mut self, width: u32, height: u32) -> [u32; 2] {
        let view = self.view.as_ref().expect("it is open");
        let mut size = ViewRect { left: 0, top: 0, right: width as i32, bottom: height as i32 };
        // SAFETY: as above.
        unsafe {
            assert_eq!(view.checkSizeConstraint(&mut size), kResultOk);
            assert_eq!(view.onSize(&mut size), kResultOk);
        }
        [size.right as u32, size.bottom as u32]
    }

    fn serve(&mut self) {
        self.frame.serve();
        // Hosts tell the controller what they automate.
        let id = self.params[self.random.below(self.params.len())];
        let value = self.random.next();
        // SAFETY: as above.
        unsafe { self.controller.setParamNormalized(id, value) };
    }

    fn close(&mut self) {
        let view = self.view.take().expect("it is open");
        // SAFETY: as above.
        unsafe {
            assert_eq!(view.removed(), kResultOk);
            view.setFrame(null_mut());
        }
    }
}

impl Drop for Vst3EditorInstance {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(audio) = self.audio.take() {
            audio.join().expect("audio ends");
        }
        // SAFETY: audio has ended, and nothing is called after this.
        unsafe {
            self.component.setActive(0);
            self.controller.setComponentHandler(null_mut());
            self.component.terminate();
        }
    }
}

fn parameters(controller: &ComPtr<IEditController>) -> Vec<ParamID> {
    // SAFETY: plain data, filled in by the plugin.
    unsafe {
        (0..controller.getParameterCount())
            .map(|index| {
                let mut info: ParameterInfo = std::mem::zeroed();
                assert_eq!(controller.getParameterInfo(index, &mut info), kResultOk);
                info.id
            })
            .collect()
    }
}

/// The processor, on the audio thread.
struct Playing(ComPtr<IAudioProcessor>);

// SAFETY: these calls belong on the audio thread, and nobody else makes them.
unsafe impl Send for Playing {}

/// The audio thread.
fn play(
    playing: Playing,
    params: &[ParamID],
    automation: Automation,
    seed: u64,
    stop: &AtomicBool,
) {
    let Playing(processor) = playing;
    let (mut speech, mut random) = (Speech::new(), Random(seed));
    let mut input = [vec![0.0f32; BLOCK], vec![0.0; BLOCK]];
    let mut output = input.clone();
    let mut time = 0;
    // SAFETY: the calls of the format; all buffers live through each of them.
    unsafe {
        processor.setProcessing(1);
        while !stop.load(Ordering::Relaxed) {
            speech.block(&mut input);
            let queues = automation.changes(time, params.len(), &mut random).into_iter();
            let queues = queues.filter_map(|(which, value)| match which {
                ParamRef::Index(index) => Some(ComWrapper::new(Queue(params[index], value))),
                ParamRef::Name(_) => None,
            });
            let changes = ComWrapper::new(Changes(queues.collect()));
            let changes = changes.as_com_ref::<IParameterChanges>().expect("it is one");
            let planes =
                |planes: &mut [Vec<f32>; 2]| planes.each_mut().map(|plane| plane.as_mut_ptr());
            let (mut sources, mut targets) = (planes(&mut input), planes(&mut output));
            let bus = |planes: &mut [*mut f32; 2]| AudioBusBuffers {
                numChannels: 2,
                silenceFlags: 0,
                __field0: AudioBusBuffers__type0 { channelBuffers32: planes.as_mut_ptr() },
            };
            let (mut from, mut to) = (bus(&mut sources), bus(&mut targets));
            let mut data = ProcessData {
                processMode: kRealtime as int32,
                symbolicSampleSize: kSample32 as int32,
                numSamples: BLOCK as int32,
                numInputs: 1,
                numOutputs: 1,
                inputs: &mut from,
                outputs: &mut to,
                inputParameterChanges: changes.as_ptr(),
                outputParameterChanges: null_mut(),
                inputEvents: null_mut(),
                outputEvents: null_mut(),
                processContext: null_mut(),
            };
            assert_eq!(processor.process(&mut data), kResultOk);
            time += BLOCK as u64;
        }
        processor.setProcessing(0);
    }
}

/// One value of one parameter at the start of a block.
struct Queue(ParamID, ParamValue);

impl Class for Queue {
    type Interfaces = (IParamValueQueue,);
}

impl IParamValueQueueTrait for Queue {
    unsafe fn getParameterId(&self) -> ParamID {
        self.0
    }

    unsafe fn getPointCount(&self) -> int32 {
        1
    }

    unsafe fn getPoint(&self, _: int32, at: *mut int32, value: *mut ParamValue) -> tresult {
        // SAFETY: the plugin passes places for both.
        unsafe { (*at, *value) = (0, self.1) };
        kResultOk
    }

    unsafe fn addPoint(&self, _: int32, _: ParamValue, _: *mut int32) -> tresult {
        kNotImplemented
    }
}

/// The changes of a block.
struct Changes(Vec<ComWrapper<Queue>>);

impl Class for Changes {
    type Interfaces = (IParameterChanges,);
}

impl IParameterChangesTrait for Changes {
    unsafe fn getParameterCount(&self) -> int32 {
        self.0.len() as int32
    }

    unsafe fn getParameterData(&self, index: int32) -> *mut IParamValueQueue {
        let queue = self.0.get(index as usize).and_then(ComWrapper::as_com_ref);
        queue.map_or(null_mut(), |queue: ComRef<'_, IParamValueQueue>| queue.as_ptr())
    }

    unsafe fn addParameterData(&self, _: *const ParamID, _: *mut int32) -> *mut IParamValueQueue {
        null_mut()
    }
}

/// The host application.
struct Application;

impl Class for Application {
    type Interfaces = (IHostApplication,);
}

impl IHostApplicationTrait for Application {
    unsafe fn getName(&self, name: *mut String128) -> tresult {
        // SAFETY: the plugin passes a place for it.
        unsafe { (*name)[0] = 0 };
        kResultOk
    }

    unsafe fn createInstance(&self, _: *mut TUID, _: *mut TUID, _: *mut *mut c_void) -> tresult {
        kNotImplemented
    }
}

/// Accepts parameter changes and restart requests, and ignores them.
struct Handler;

impl Class for Handler {
    type Interfaces = (IComponentHandler,);
}

impl IComponentHandlerTrait for Handler {
    unsafe fn beginEdit(&self, _: ParamID) -> tresult {
        kResultOk
    }

    unsafe fn performEdit(&self, _: ParamID, _: ParamValue) -> tresult {
        kResultOk
    }

    unsafe fn endEdit(&self, _: ParamID) -> tresult {
        kResultOk
    }

    unsafe fn restartComponent(&self, _: int32) -> tresult {
        kResultOk
    }
}

/// The frame of views, in a host without a run loop.
struct Plain;

impl Class for Plain {
    type Interfaces = (IPlugFrame,);
}

impl IPlugFrameTrait for Plain {
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        // SAFETY: the plugin passes its own view.
        unsafe { accept(view, size) }
    }
}

/// Accepts the size that a view requests.
///
/// # Safety
/// Both pointers are those that a plugin passes to its host.
pub unsafe fn accept(view: *mut IPlugView, size: *mut ViewRect) -> tresult {
    // SAFETY: the caller passes a view of the plugin's.
    match unsafe { ComRef::from_raw(view) } {
        // SAFETY: and a size.
        Some(view) => unsafe { view.onSize(size) },
        None => kInvalidArgument,
    }
}

/// Either of them.
enum Frame {
    #[cfg(target_os = "linux")]
    Loop(ComWrapper<Loop>),
    Plain(ComWrapper<Plain>),
}

impl Frame {
    fn new(with_loop: bool) -> Self {
        #[cfg(target_os = "linux")]
        if with_loop {
            return Self::Loop(ComWrapper::new(Loop::default()));
        }
        let _ = with_loop;
        Self::Plain(ComWrapper::new(Plain))
    }

    fn frame(&self) -> ComPtr<IPlugFrame> {
        let frame = match self {
            #[cfg(target_os = "linux")]
            Self::Loop(frame) => frame.to_com_ptr(),
            Self::Plain(frame) => frame.to_com_ptr(),
        };
        frame.expect("it is one")
    }

    fn serve(&self) {
        #[cfg(target_os = "linux")]
        if let Self::Loop(frame) = self {
            frame.serve();
        }
    }
}
