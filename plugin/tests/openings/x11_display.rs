//! Windows on a display that plugins draw into.

use std::ffi::{c_ulong, c_void};

use clack_extensions::gui::{GuiApiType, Window};
use residue_ui_testing::Picture;
use vst3::Steinberg::{FIDString, kPlatformTypeX11EmbedWindowID};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    ConnectionExt, CreateWindowAux, ImageFormat, Window as XWindow, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::run::Corner;

/// A window of the host.
#[derive(Clone, Copy)]
pub struct WindowId(XWindow);

impl WindowId {
    /// CLAP's name for such windows.
    pub const CLAP_API: GuiApiType<'static> = GuiApiType::X11;
    /// VST3's name for them.
    pub const VST3_TYPE: FIDString = kPlatformTypeX11EmbedWindowID;

    /// Returns the window for CLAP.
    pub fn clap(self) -> Window<'static, 'static> {
        Window::from_x11_handle(c_ulong::from(self.0))
    }

    /// Returns the window for VST3.
    pub fn vst3(self) -> *mut c_void {
        self.0 as usize as *mut c_void
    }
}

/// A connection to the display.
pub struct Display {
    connection: RustConnection,
    root: XWindow,
}

/// Background of new windows, a color that the editor does not use.
const EMPTY: u32 = 0x00ff_00ff;

impl Display {
    /// Connects to the display that the environment names.
    pub fn open() -> Self {
        let (connection, screen) = x11rb::connect(None).expect("a display");
        let root = connection.setup().roots[screen].root;
        Self { connection, root }
    }

    /// A visible window.
    pub fn window(&self, x: i16, y: i16, width: u16, height: u16) -> WindowId {
        let window = self.connection.generate_id().expect("an id");
        let values = CreateWindowAux::new().background_pixel(EMPTY).override_redirect(1);
        let class = WindowClass::INPUT_OUTPUT;
        let c = &self.connection;
        c.create_window(0, window, self.root, x, y, width, height, 0, class, 0, &values)
            .expect("a request");
        c.map_window(window).expect("a request");
        c.sync().expect("a window");
        WindowId(window)
    }

    /// Destroys a window.
    pub fn destroy(&self, window: WindowId) {
        self.connection.destroy_window(window.0).expect("a request");
        self.connection.sync().expect("an answer");
    }

    /// Returns the contents of a window.
    pub fn picture(&self, window: WindowId, width: u16, height: u16) -> Picture {
        let image = self
            .connection
            .get_image(ImageFormat::Z_PIXMAP, window.0, 0, 0, width, height, u32::MAX)
            .expect("a request")
            .reply()
            .expect("the window is visible");
        let mut picture = Picture::new(usize::from(width), usize::from(height));
        // Blue, green, red and one more.
        for (pixel, out) in image.data.chunks_exact(4).zip(picture.rgb.chunks_exact_mut(3)) {
            out.copy_from_slice(&[pixel[2], pixel[1], pixel[0]]);
        }
        picture
    }

    /// Nothing to do: on X11 editors have threads of their own.
    pub fn serve(&self) {}

    /// Returns the color in a window's corner.
    pub fn corner(&self, window: WindowId) -> Corner {
        self.picture(window, 4, 4).get(2, 2)
    }
}
