//! Pixels that an editor has drawn, where Wine does not show them.
//!
//! Wine 8 copies what a child window draws with OpenGL to the X window 0, which is none, so that its place stays as
//! the parent has painted it. The pixels themselves are right, and Mesa keeps them in the back buffer.

use std::cell::Cell;
use std::ptr::null_mut;

use residue_ui_testing::Picture;
use windows_sys::Win32::Foundation::HWND;
use windows_sys::Win32::Graphics::Gdi::{GetDC, HDC, ReleaseDC};
use windows_sys::Win32::Graphics::OpenGL::{
    GL_BACK, GL_NO_ERROR, GL_PACK_ALIGNMENT, GL_RGB, GL_UNSIGNED_BYTE, GetPixelFormat, HGLRC,
    glGetError, glPixelStorei, glReadBuffer, glReadPixels, wglCreateContext, wglDeleteContext,
    wglMakeCurrent,
};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::UI::WindowsAndMessaging::{GW_CHILD, GetClientRect, GetWindow};
use windows_sys::core::{s, w};

/// Returns whether this is Wine and not Windows.
pub fn is_wine() -> bool {
    // SAFETY: each process has this library, and the names end with zero.
    unsafe {
        let library = GetModuleHandleW(w!("ntdll.dll"));
        GetProcAddress(library, s!("wine_get_version")).is_some()
    }
}

/// Reads back buffers of editors, with a context of its own that fits windows of one pixel format.
#[derive(Default)]
pub struct BackBufferReader(Cell<HGLRC>);

impl BackBufferReader {
    /// Returns the upper left corner of what the editor in a window has drawn, at most so many pixels wide and high;
    /// none where no editor is ready to draw.
    pub fn read(&self, parent: HWND, width: i32, height: i32) -> Option<Picture> {
        // SAFETY: handles of windows of this thread, which are checked, and a buffer as large as is said.
        unsafe {
            let editor = GetWindow(parent, GW_CHILD);
            let mut area = std::mem::zeroed();
            if editor.is_null() || GetClientRect(editor, &mut area) == 0 {
                return None;
            }
            let (width, height) = (width.min(area.right), height.min(area.bottom));
            let context = GetDC(editor);
            let read = (GetPixelFormat(context) != 0 && self.make_current(context)).then(|| {
                let mut picture = Picture::new(width as usize, height as usize);
                glPixelStorei(GL_PACK_ALIGNMENT, 1);
                glReadBuffer(GL_BACK);
                // OpenGL's rows go from the bottom to the top.
                for (row, out) in picture.rgb.chunks_exact_mut(3 * width as usize).enumerate() {
                    let y = area.bottom - 1 - row as i32;
                    glReadPixels(0, y, width, 1, GL_RGB, GL_UNSIGNED_BYTE, out.as_mut_ptr().cast());
                }
                let good = glGetError() == GL_NO_ERROR;
                wglMakeCurrent(null_mut(), null_mut());
                good.then_some(picture)
            });
            ReleaseDC(editor, context);
            read.flatten()
        }
    }

    /// Makes the context current, which is created where there is none that fits.
    ///
    /// # Safety
    /// The device context has a pixel format and no OpenGL context that is current.
    unsafe fn make_current(&self, device: HDC) -> bool {
        // SAFETY: a context that was created here and not deleted, or none, with which the calls fail.
        unsafe {
            if wglMakeCurrent(device, self.0.get()) != 0 && !self.0.get().is_null() {
                return true;
            }
            wglDeleteContext(self.0.get());
            self.0.set(wglCreateContext(device));
            !self.0.get().is_null() && wglMakeCurrent(device, self.0.get()) != 0
        }
    }
}

impl Drop for BackBufferReader {
    fn drop(&mut self) {
        // SAFETY: it was created here, or is none.
        unsafe { wglDeleteContext(self.0.get()) };
    }
}
