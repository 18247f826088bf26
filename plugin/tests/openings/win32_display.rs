//! Windows on Windows' desktop that plugins draw into.

use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use clack_extensions::gui::{GuiApiType, Window};
use residue_ui_testing::Picture;
use vst3::Steinberg::{FIDString, kPlatformTypeHWND};
use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::Graphics::Gdi::{CLR_INVALID, GetDC, GetPixel, HDC};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DestroyWindow, DispatchMessageW, MSG, PM_REMOVE, PeekMessageW,
    TranslateMessage, WM_PAINT, WM_TIMER, WS_CLIPCHILDREN, WS_EX_TOPMOST, WS_POPUP, WS_VISIBLE,
};
use windows_sys::core::w;

use crate::run::Corner;
use crate::win32_back_buffer::{BackBufferReader, is_wine};

/// Longest turn of handling messages: to an editor whose frames take longer than its timer, as without a graphics
/// card, there is always one more.
const LONGEST_TURN: Duration = Duration::from_millis(20);

/// A window of the host.
#[derive(Clone, Copy)]
pub struct WindowId {
    handle: HWND,
    x: i32,
    y: i32,
}

impl WindowId {
    /// CLAP's name for such windows.
    pub const CLAP_API: GuiApiType<'static> = GuiApiType::WIN32;
    /// VST3's name for them.
    pub const VST3_TYPE: FIDString = kPlatformTypeHWND;

    /// Returns the window for CLAP.
    pub fn clap(self) -> Window<'static, 'static> {
        // SAFETY: the window lives until the editor has been closed.
        unsafe { Window::from_win32_hwnd(self.handle) }
    }

    /// Returns the window for VST3.
    pub fn vst3(self) -> *mut c_void {
        self.handle
    }
}

/// The desktop.
pub struct Display {
    screen: HDC,
    /// For Wine, on whose screen editors do not appear.
    back_buffers: Option<BackBufferReader>,
}

impl Display {
    /// Opens the desktop of this session.
    pub fn open() -> Self {
        // SAFETY: without a window it is the screen's context, which lives as long as the process.
        let screen = unsafe { GetDC(null_mut()) };
        assert!(!screen.is_null(), "there is a screen");
        Self { screen, back_buffers: is_wine().then(BackBufferReader::default) }
    }

    /// A visible window.
    pub fn window(&self, x: i16, y: i16, width: u16, height: u16) -> WindowId {
        let (x, y) = (i32::from(x), i32::from(y));
        let style = WS_POPUP | WS_VISIBLE | WS_CLIPCHILDREN;
        // SAFETY: a class of the system's, and no pointers but its name.
        let handle = unsafe {
            CreateWindowExW(
                WS_EX_TOPMOST,
                w!("Static"),
                null(),
                style,
                x,
                y,
                width.into(),
                height.into(),
                null_mut(),
                null_mut(),
                null_mut(),
                null(),
            )
        };
        assert!(!handle.is_null(), "a window");
        self.serve();
        WindowId { handle, x, y }
    }

    /// Destroys a window.
    pub fn destroy(&self, window: WindowId) {
        // SAFETY: it is a window of this thread.
        assert_ne!(unsafe { DestroyWindow(window.handle) }, 0);
        self.serve();
    }

    /// Handles the messages that wait for this thread, those of editors included.
    pub fn serve(&self) {
        let began = Instant::now();
        while began.elapsed() < LONGEST_TURN && handle_message(0, 0) {}
        // These come after all others. The VST3 wrapper posts one for each automated parameter, and where handling
        // one takes as long as under Wine on a busy machine, there is no end of them.
        for last in [WM_PAINT, WM_TIMER] {
            handle_message(last, last);
        }
    }

    /// Returns the color in a window's corner, as the screen shows it; under Wine, as its editor has drawn it.
    pub fn corner(&self, window: WindowId) -> Corner {
        if let Some(back_buffers) = &self.back_buffers {
            let corner = back_buffers.read(window.handle, 4, 4);
            return corner.map_or(Corner::default(), |corner| corner.get(2, 2));
        }
        // SAFETY: the screen's context lives as long as the process.
        let color = unsafe { GetPixel(self.screen, window.x + 2, window.y + 2) };
        if color == CLR_INVALID {
            Corner::default()
        } else {
            [0, 8, 16].map(|bits| (color >> bits) as u8)
        }
    }

    /// Returns what the editor in a window has drawn.
    pub fn picture(&self, window: WindowId, width: u16, height: u16) -> Picture {
        let reader = self.back_buffers.as_ref();
        let reader = reader.expect("pictures of the editor are taken on Linux, and under Wine");
        reader.read(window.handle, width.into(), height.into()).expect("an editor has drawn")
    }
}

/// Handles a message of this thread within these numbers, or any if both are 0; returns whether there was one.
fn handle_message(first: u32, last: u32) -> bool {
    // SAFETY: the message is plain data, which the calls fill in and read.
    unsafe {
        let mut message: MSG = std::mem::zeroed();
        let found = PeekMessageW(&mut message, null_mut(), first, last, PM_REMOVE) != 0;
        if found {
            TranslateMessage(&message);
            DispatchMessageW(&message);
        }
        found
    }
}
