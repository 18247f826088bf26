//! An instance of a VST3 as a host looks at it.

use vst3::ComPtr;
use vst3::Steinberg::Vst::{
    IAudioProcessor, IAudioProcessorTrait, IEditController, IEditControllerTrait,
    SymbolicSampleSizes_,
};
use vst3::Steinberg::{IPluginBaseTrait, kResultOk};

use crate::vst3_module::Vst3Module;

/// Processor and controller in one.
pub struct Vst3Instance {
    processor: ComPtr<IAudioProcessor>,
    controller: ComPtr<IEditController>,
}

impl Vst3Instance {
    /// An instance of the module's first class.
    pub fn new(module: &Vst3Module) -> Self {
        let component = module.create();
        // SAFETY: there is no host to speak of.
        assert_eq!(unsafe { component.initialize(std::ptr::null_mut()) }, kResultOk);
        Self {
            processor: component.cast().expect("it processes"),
            controller: component.cast().expect("it is its own controller"),
        }
    }

    /// How many parameters it has.
    pub fn parameters(&self) -> i32 {
        // SAFETY: only counts.
        unsafe { self.controller.getParameterCount() }
    }

    /// Whether it says that it takes samples of so many bits.
    pub fn takes_samples_of(&self, bits: u32) -> bool {
        let size = match bits {
            64 => SymbolicSampleSizes_::kSample64,
            _ => SymbolicSampleSizes_::kSample32,
        };
        // SAFETY: only answers.
        unsafe { self.processor.canProcessSampleSize(size as i32) == kResultOk }
    }
}

impl Drop for Vst3Instance {
    fn drop(&mut self) {
        // SAFETY: it was initialised, and nothing runs.
        unsafe { self.controller.terminate() };
    }
}
