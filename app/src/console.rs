//! Windows' consoles: none behind the window, and output in the one that the program was started from.
//!
//! The program is one of the console, because shells wait for such programs and get their output, exit code
//! and Ctrl-C. Its manifest keeps Windows 11 from making a console for it (24H2 and newer); older systems make
//! one, which [`close_own`] closes at once. Other systems have no such thing.

/// Closes the console if Windows made it for this process alone. Output is then lost, unless it goes elsewhere.
pub fn close_own() {
    #[cfg(windows)]
    windows::close_own();
}

/// Shows why the program ends in a box where there is no console to read it in.
pub fn show_unread(text: &str) {
    #[cfg(windows)]
    windows::show_unread(text);
    #[cfg(not(windows))]
    let _ = text;
}

#[cfg(windows)]
mod windows {
    use std::ptr::null_mut;

    use windows_sys::Win32::Storage::FileSystem::{FILE_TYPE_UNKNOWN, GetFileType};
    use windows_sys::Win32::System::Console::{
        FreeConsole, GetConsoleProcessList, GetStdHandle, STD_ERROR_HANDLE,
    };
    use windows_sys::Win32::UI::WindowsAndMessaging::{MB_ICONERROR, MB_OK, MessageBoxW};
    use windows_sys::core::w;

    pub fn close_own() {
        let mut processes = [0; 2];
        // SAFETY: the list has room for as many processes as are told.
        let count = unsafe { GetConsoleProcessList(processes.as_mut_ptr(), 2) };
        // A shell that the program was started from would be the second.
        if count == 1 {
            // SAFETY: the call has no preconditions.
            unsafe { FreeConsole() };
        }
    }

    pub fn show_unread(text: &str) {
        // SAFETY: the calls take any handle, also none.
        let is_read = unsafe { GetFileType(GetStdHandle(STD_ERROR_HANDLE)) } != FILE_TYPE_UNKNOWN;
        if is_read {
            return;
        }
        let text: Vec<u16> = text.encode_utf16().chain([0]).collect();
        // SAFETY: both texts end with a zero; the box needs no window.
        unsafe { MessageBoxW(null_mut(), text.as_ptr(), w!("Residue"), MB_OK | MB_ICONERROR) };
    }
}
