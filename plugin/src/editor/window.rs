//! The editor's window as the host sees it: nice-plug-egui's, created for each opening, so that nothing is
//! kept or computed while it is closed.

use std::error::Error;
use std::mem::ManuallyDrop;
use std::sync::Arc;

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{
    Editor, EditorHandle, HostMethods, Modifiers, ParentWindowHandle, ResizeHint, SizeConstraints,
    SpawnedEditor, VirtualKeyCode,
};
use nice_plug_egui::baseview;
use nice_plug_egui::{
    EguiEditorHandle, EguiEditorState, EguiNiceSettings, RepaintNotifier, create_egui_editor,
};
use parking_lot::Mutex;

use super::app::EditorApp;
use crate::instance::Instance;
use crate::params::MIN_SIZE;
use crate::workarounds::{REPAINT_POLL_INTERVAL, WindowThread, catch_panic, keep_worker_alive};

/// Any size from the smallest one on.
const RESIZE: ResizeHint = ResizeHint {
    can_resize: true,
    can_resize_horizontally: true,
    can_resize_vertically: true,
    preserve_aspect_ratio: false,
    aspect_ratio_width: 1,
    aspect_ratio_height: 1,
    size_constraints: SizeConstraints::Logical {
        min_size: Some(LogicalSize { width: MIN_SIZE[0] as f32, height: MIN_SIZE[1] as f32 }),
        max_size: None,
    },
};

/// Opens and closes the editor's windows for the host.
pub struct ResidueEditor {
    instance: Instance,
    /// Size and scale of the open window, or of the last one.
    state: Mutex<Option<Arc<EguiEditorState>>>,
}

impl ResidueEditor {
    /// Creates the editor of an instance. Loads and draws nothing.
    pub fn new(instance: Instance) -> Self {
        Self { instance, state: Mutex::new(None) }
    }

    /// Returns the size that the project has saved, in points.
    fn saved_size(&self) -> LogicalSize<f64> {
        let appearance = self.instance.params.editor.get();
        LogicalSize::new(f64::from(appearance.width), f64::from(appearance.height))
    }
}

impl Editor for ResidueEditor {
    type Handle = WindowHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<WindowHandle>, Box<dyn Error>> {
        keep_worker_alive(gui.plugin_api());
        let state = EguiEditorState::from_size(self.saved_size(), 1.0);
        *self.state.lock() = Some(Arc::clone(&state));
        let settings = EguiNiceSettings::new()
            .with_tile("Residue")
            .with_resize_hint(RESIZE)
            .with_repaint_poll_interval(REPAINT_POLL_INTERVAL);
        let thread = WindowThread::default();
        let app = EditorApp::new(self.instance.clone(), thread.clone());
        let editor = create_egui_editor(state, RepaintNotifier::new(), settings, app)
            .ok_or("there is no editor")?;
        let spawned = editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui, host)?;
        Ok(SpawnedEditor {
            handle: WindowHandle(spawned.handle),
            window: EditorWindow { inner: ManuallyDrop::new(spawned.window), thread },
        })
    }

    fn size(&self) -> NativeSize<u32> {
        let open = self.state.lock().clone().filter(|state| state.is_open());
        match open {
            Some(state) => {
                // The window's actual size, because its scale is known.
                let (logical, physical) = (state.logical_size(), state.physical_size());
                NativeSize::from_logical_or_physical(logical.cast(), physical)
            }
            None => NativeSize::from_size(Size::Logical(self.saved_size()), 1.0_f64),
        }
    }

    fn resize_hint(&self) -> ResizeHint {
        RESIZE
    }
}

/// An open window. Closing it never panics, and waits for its thread.
pub struct EditorWindow {
    inner: ManuallyDrop<baseview::Window>,
    thread: WindowThread,
}

impl Drop for EditorWindow {
    fn drop(&mut self) {
        // SAFETY: the window is taken once, in `drop`.
        let window = unsafe { ManuallyDrop::take(&mut self.inner) };
        catch_panic("closing the editor", || drop(window));
        self.thread.wait_until_ended();
    }
}

/// The host's requests to an open window.
pub struct WindowHandle(EguiEditorHandle);

impl EditorHandle for WindowHandle {
    type Window = EditorWindow;
    type Error = baseview::Error;

    fn run_until_closed(window: EditorWindow) -> Result<(), Self::Error> {
        let mut window = ManuallyDrop::new(window);
        // SAFETY: the outer window is never dropped, so the inner one is taken once.
        EguiEditorHandle::run_until_closed(unsafe { ManuallyDrop::take(&mut window.inner) })
    }

    fn set_parent(
        &self,
        parent: ParentWindowHandle,
        window: &EditorWindow,
    ) -> Result<(), Self::Error> {
        self.0.set_parent(parent, &window.inner)
    }

    fn show(&self, window: &EditorWindow) -> Result<(), Self::Error> {
        self.0.show(&window.inner)
    }

    fn hide(&self, window: &EditorWindow) -> Result<(), Self::Error> {
        self.0.hide(&window.inner)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &EditorWindow) -> Result<(), Self::Error> {
        self.0.set_size(size, &window.inner)
    }

    fn host_main_thread_callback(&self, window: &EditorWindow) {
        self.0.host_main_thread_callback(&window.inner);
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &EditorWindow) -> Option<NativeSize<u32>> {
        self.0.adjust_size(size, &window.inner)
    }

    fn set_fallback_scale_factor(
        &self,
        scale: f64,
        window: &EditorWindow,
    ) -> Result<(), Self::Error> {
        self.0.set_fallback_scale_factor(scale, &window.inner)
    }

    fn on_virtual_key_from_host(&self, key: VirtualKeyCode, down: bool, with: Modifiers) -> bool {
        self.0.on_virtual_key_from_host(key, down, with)
    }

    fn state_changed(&self) {
        self.0.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized: f32) {
        self.0.param_value_changed(id, normalized);
    }

    fn param_modulation_changed(&self, id: &str, offset: f32) {
        self.0.param_modulation_changed(id, offset);
    }
}
