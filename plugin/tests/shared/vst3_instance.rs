//! A VST3 instance without audio: parameters and saved state.

use std::cell::RefCell;
use std::ffi::c_void;

use vst3::Steinberg::IBStream_::IStreamSeekMode_::{kIBSeekCur, kIBSeekEnd, kIBSeekSet};
use vst3::Steinberg::Vst::{
    IAudioProcessor, IAudioProcessorTrait, IComponent, IComponentTrait, IEditController,
    IEditControllerTrait, ParamID, ParameterInfo, SymbolicSampleSizes_,
};
use vst3::Steinberg::{
    IBStream, IBStreamTrait, IPluginBaseTrait, int32, int64, kInvalidArgument, kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComWrapper};

use crate::vst3_module::Vst3Module;

/// An initialised component, which is its own controller.
pub struct Vst3Instance {
    component: ComPtr<IComponent>,
    controller: ComPtr<IEditController>,
}

impl Vst3Instance {
    /// An instance of the module's first class.
    pub fn new(module: &Vst3Module) -> Self {
        let component = module.create();
        // SAFETY: a null host context is allowed; the plugin asks it for nothing.
        assert_eq!(unsafe { component.initialize(std::ptr::null_mut()) }, kResultOk);
        let controller = component.cast().expect("the component is its own controller");
        Self { component, controller }
    }

    /// Returns titles and ids of the parameters, in the plugin's order.
    pub fn params(&self) -> Vec<(String, ParamID)> {
        // SAFETY: the plugin fills in plain data; titles end with a zero.
        unsafe {
            (0..self.controller.getParameterCount())
                .map(|index| {
                    let mut info: ParameterInfo = std::mem::zeroed();
                    assert_eq!(self.controller.getParameterInfo(index, &mut info), kResultOk);
                    (from_utf16(&info.title), info.id)
                })
                .collect()
        }
    }

    /// Returns whether the instance accepts samples of 32 or 64 bits.
    pub fn accepts_sample_bits(&self, bits: u32) -> bool {
        let size = match bits {
            64 => SymbolicSampleSizes_::kSample64,
            _ => SymbolicSampleSizes_::kSample32,
        };
        let processor: ComPtr<IAudioProcessor> = self.component.cast().expect("it processes audio");
        // SAFETY: the call only answers.
        unsafe { processor.canProcessSampleSize(size as i32) == kResultOk }
    }

    /// Returns the normalized value, 0 to 1.
    pub fn value(&self, id: ParamID) -> f64 {
        // SAFETY: the call takes and returns numbers.
        unsafe { self.controller.getParamNormalized(id) }
    }

    /// Sets parameters by their titles to what these texts mean.
    pub fn set(&self, changes: &[(&str, &str)]) {
        let params = self.params();
        for (name, text) in changes {
            let (_, id) = params.iter().find(|(title, _)| title == name).expect("the title exists");
            let mut text: Vec<u16> = text.encode_utf16().chain([0]).collect();
            let mut value = 0.0;
            // SAFETY: the text ends with a zero, and both pointers outlive the calls.
            unsafe {
                let read = self.controller.getParamValueByString(
                    *id,
                    text.as_mut_ptr().cast(),
                    &mut value,
                );
                assert_eq!(read, kResultOk, "{name}");
                assert_eq!(self.controller.setParamNormalized(*id, value), kResultOk, "{name}");
            }
        }
    }

    /// Returns the saved state.
    pub fn save(&self) -> Vec<u8> {
        let stream = ComWrapper::new(Stream::default());
        let writer = stream.to_com_ptr::<IBStream>().expect("the stream implements IBStream");
        // SAFETY: the stream outlives the call.
        assert_eq!(unsafe { self.component.getState(writer.as_ptr()) }, kResultOk);
        stream.0.borrow().0.clone()
    }

    /// Restores a saved state; false if the plugin refuses it.
    pub fn load(&self, state: &[u8]) -> bool {
        let stream = ComWrapper::new(Stream(RefCell::new((state.to_vec(), 0))));
        let reader = stream.to_com_ptr::<IBStream>().expect("the stream implements IBStream");
        // SAFETY: the stream outlives the call.
        unsafe { self.component.setState(reader.as_ptr()) == kResultOk }
    }
}

impl Drop for Vst3Instance {
    fn drop(&mut self) {
        // SAFETY: it was initialised, and nothing is called after this.
        unsafe { self.component.terminate() };
    }
}

fn from_utf16(text: &[u16]) -> String {
    let end = text.iter().position(|unit| *unit == 0).unwrap_or(text.len());
    String::from_utf16(&text[..end]).expect("titles are UTF-16")
}

/// A stream in memory: bytes and the position in them.
#[derive(Default)]
struct Stream(RefCell<(Vec<u8>, usize)>);

impl Class for Stream {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Stream {
    unsafe fn read(&self, buffer: *mut c_void, length: int32, done: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.0.borrow_mut();
        let count = (length.max(0) as usize).min(bytes.len() - *at);
        // SAFETY: the caller's buffer holds `length` bytes; `done` may be null.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes[*at..].as_ptr(), buffer.cast::<u8>(), count);
            if let Some(done) = done.as_mut() {
                *done = count as int32;
            }
        }
        *at += count;
        kResultOk
    }

    unsafe fn write(&self, buffer: *mut c_void, length: int32, done: *mut int32) -> tresult {
        let (bytes, at) = &mut *self.0.borrow_mut();
        // SAFETY: the caller's buffer holds `length` bytes; `done` may be null.
        unsafe {
            let new = std::slice::from_raw_parts(buffer.cast::<u8>(), length.max(0) as usize);
            bytes.truncate(*at);
            bytes.extend_from_slice(new);
            if let Some(done) = done.as_mut() {
                *done = length;
            }
        }
        *at = bytes.len();
        kResultOk
    }

    unsafe fn seek(&self, offset: int64, mode: int32, result: *mut int64) -> tresult {
        let (bytes, at) = &mut *self.0.borrow_mut();
        #[allow(clippy::unnecessary_cast, reason = "the constants' type depends on the platform")]
        let [set, current, end] = [kIBSeekSet as u32, kIBSeekCur as u32, kIBSeekEnd as u32];
        let from = match mode as u32 {
            mode if mode == set => 0,
            mode if mode == current => *at,
            mode if mode == end => bytes.len(),
            _ => return kInvalidArgument,
        };
        let to = from as int64 + offset;
        if !(0..=bytes.len() as int64).contains(&to) {
            return kInvalidArgument;
        }
        *at = to as usize;
        // SAFETY: null, or a place for the position.
        if let Some(result) = unsafe { result.as_mut() } {
            *result = to;
        }
        kResultOk
    }

    unsafe fn tell(&self, at: *mut int64) -> tresult {
        // SAFETY: null, or a place for the position.
        match unsafe { at.as_mut() } {
            Some(at) => *at = self.0.borrow().1 as int64,
            None => return kInvalidArgument,
        }
        kResultOk
    }
}
