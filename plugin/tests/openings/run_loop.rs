//! The run loop that a VST3 host offers on Linux.

use std::cell::RefCell;

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IEventHandlerTrait, IRunLoop, IRunLoopTrait, ITimerHandler,
    TimerInterval,
};
use vst3::Steinberg::{
    IPlugFrame, IPlugFrameTrait, IPlugView, ViewRect, kInvalidArgument, kNotImplemented, kResultOk,
    tresult,
};
use vst3::{Class, ComPtr, ComRef};

use crate::vst3_host::accept;

/// The frame of views, in a host with a run loop.
#[derive(Default)]
pub struct Loop(RefCell<Vec<(ComPtr<IEventHandler>, FileDescriptor)>>);

impl Class for Loop {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl Loop {
    /// Calls whoever has something to read.
    pub fn serve(&self) {
        let mut files: Vec<libc::pollfd> = {
            let handlers = self.0.borrow();
            let file = |(_, fd): &(_, FileDescriptor)| libc::pollfd {
                fd: *fd,
                events: libc::POLLIN,
                revents: 0,
            };
            handlers.iter().map(file).collect()
        };
        // SAFETY: as many files as are said.
        unsafe { libc::poll(files.as_mut_ptr(), files.len() as libc::nfds_t, 0) };
        for file in files.iter().filter(|file| file.revents & libc::POLLIN != 0) {
            let handler =
                self.0.borrow().iter().find(|(_, fd)| *fd == file.fd).map(|h| h.0.clone());
            if let Some(handler) = handler {
                // SAFETY: it was registered for this file.
                unsafe { handler.onFDIsSet(file.fd) };
            }
        }
    }
}

impl IPlugFrameTrait for Loop {
    unsafe fn resizeView(&self, view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        // SAFETY: the plugin passes its own view.
        unsafe { accept(view, size) }
    }
}

impl IRunLoopTrait for Loop {
    unsafe fn registerEventHandler(
        &self,
        handler: *mut IEventHandler,
        fd: FileDescriptor,
    ) -> tresult {
        // SAFETY: the plugin passes its own handler, which is kept alive here.
        let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else { return kInvalidArgument };
        self.0.borrow_mut().push((handler.to_com_ptr(), fd));
        kResultOk
    }

    unsafe fn unregisterEventHandler(&self, handler: *mut IEventHandler) -> tresult {
        self.0.borrow_mut().retain(|(kept, _)| kept.as_ptr() != handler);
        kResultOk
    }

    unsafe fn registerTimer(&self, _: *mut ITimerHandler, _: TimerInterval) -> tresult {
        kNotImplemented
    }

    unsafe fn unregisterTimer(&self, _: *mut ITimerHandler) -> tresult {
        kNotImplemented
    }
}
