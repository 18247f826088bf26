//! A VST3 library as a host loads it.

use std::ffi::c_void;
use std::path::Path;

#[cfg(unix)]
use libloading::os::unix::Library;
#[cfg(windows)]
use libloading::os::windows::Library;
use vst3::Steinberg::Vst::IComponent;
use vst3::Steinberg::{IPluginFactory, IPluginFactoryTrait, PClassInfo, kResultOk};
use vst3::{ComPtr, Interface};

/// A loaded library and its factory.
pub struct Vst3Module {
    factory: ComPtr<IPluginFactory>,
    /// Freed last.
    library: Library,
}

impl Vst3Module {
    /// Loads a library and asks it for its factory.
    pub fn load(path: &Path) -> Self {
        // SAFETY: it is a plugin of ours; these are the functions that VST3 asks for, of these types.
        unsafe {
            let library = Library::new(path).expect("the library loads");
            #[cfg(unix)]
            let library = {
                let handle = library.into_raw();
                let library = Library::from_raw(handle);
                let enter = library.get::<extern "C" fn(*mut c_void) -> bool>(b"ModuleEntry\0");
                assert!(enter.expect("it is a VST3 module")(handle));
                library
            };
            // Windows' modules need not have it.
            #[cfg(windows)]
            if let Ok(enter) = library.get::<extern "C" fn() -> bool>(b"InitDll\0") {
                assert!(enter());
            }
            let factory = library
                .get::<extern "system" fn() -> *mut c_void>(b"GetPluginFactory\0")
                .expect("there is a factory")();
            let factory = ComPtr::from_raw(factory.cast()).expect("it gives its factory");
            Self { factory, library }
        }
    }

    fn class(&self, index: i32) -> PClassInfo {
        // SAFETY: the structure is plain numbers and text, which the factory fills.
        unsafe {
            let mut info: PClassInfo = std::mem::zeroed();
            assert_eq!(self.factory.getClassInfo(index, &mut info), kResultOk);
            info
        }
    }

    /// Names and categories of the classes.
    pub fn classes(&self) -> Vec<(String, String)> {
        let text = |text: &[std::ffi::c_char]| {
            let text = text.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8);
            String::from_utf8(text.collect()).expect("names are UTF-8")
        };
        // SAFETY: only counts.
        let count = unsafe { self.factory.countClasses() };
        let class = |index| self.class(index);
        (0..count).map(class).map(|info| (text(&info.name), text(&info.category))).collect()
    }

    /// An instance of the first class, to be initialised.
    pub fn create(&self) -> ComPtr<IComponent> {
        let class = self.class(0);
        let mut object = std::ptr::null_mut();
        // SAFETY: both ids have 16 bytes, and the factory returns the requested interface.
        unsafe {
            let id = IComponent::IID.as_ptr().cast();
            let made = self.factory.createInstance(class.cid.as_ptr(), id, &mut object);
            assert_eq!(made, kResultOk);
            ComPtr::from_raw(object.cast()).expect("there is an instance")
        }
    }
}

impl Drop for Vst3Module {
    fn drop(&mut self) {
        // SAFETY: the type is that of VST3; nothing of the module is used after this but its factory,
        // whose code stays mapped.
        unsafe {
            let name: &[u8] = if cfg!(windows) { b"ExitDll\0" } else { b"ModuleExit\0" };
            if let Ok(leave) = self.library.get::<extern "C" fn() -> bool>(name) {
                assert!(leave());
            }
        }
    }
}
