//! The window, as the host sees it: nice-plug-egui's, made anew for each opening, so that nothing is
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
use super::saved::MIN_SIZE;
use crate::guards::{NEVER, WindowThread, keep_worker_alive, no_panic};
use crate::instance::Instance;

/// Any size from the smallest on.
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

/// What the host opens and closes windows with.
pub struct ResidueEditor {
    instance: Instance,
    /// Size and scale of the window that is open, or was last.
    state: Mutex<Option<Arc<EguiEditorState>>>,
}

impl ResidueEditor {
    /// Of an instance. Loads nothing and draws nothing.
    pub fn new(instance: Instance) -> Self {
        Self { instance, state: Mutex::new(None) }
    }

    /// The size that the project has, in points.
    fn saved_size(&self) -> LogicalSize<f64> {
        let look = self.instance.params.editor.get();
        LogicalSize::new(f64::from(look.width), f64::from(look.height))
    }
}

impl Editor for ResidueEditor {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Handle>, Box<dyn Error>> {
        keep_worker_alive(gui.plugin_api());
        let state = EguiEditorState::from_size(self.saved_size(), 1.0);
        *self.state.lock() = Some(Arc::clone(&state));
        let settings = EguiNiceSettings::new()
            .with_tile("Residue")
            .with_resize_hint(RESIZE)
            .with_repaint_poll_interval(NEVER);
        let thread = WindowThread::default();
        let app = EditorApp::new(self.instance.clone(), thread.clone());
        let editor = create_egui_editor(state, RepaintNotifier::new(), settings, app)
            .ok_or("there is no editor")?;
        let spawned = editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui, host)?;
        Ok(SpawnedEditor {
            handle: Handle(spawned.handle),
            window: Window { inner: ManuallyDrop::new(spawned.window), thread },
        })
    }

    fn size(&self) -> NativeSize<u32> {
        let open = self.state.lock().clone().filter(|state| state.is_open());
        match open {
            Some(state) => {
                // What the window is now: its scale is known.
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

/// A window of ours. Closing it never panics, and waits for its thread.
pub struct Window {
    inner: ManuallyDrop<baseview::Window>,
    thread: WindowThread,
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: it is not used again.
        let window = unsafe { ManuallyDrop::take(&mut self.inner) };
        no_panic("closing the editor", || drop(window));
        self.thread.wait();
    }
}

/// What the host does to an open window.
pub struct Handle(EguiEditorHandle);

impl EditorHandle for Handle {
    type Window = Window;
    type Error = baseview::Error;

    fn run_until_closed(window: Window) -> Result<(), Self::Error> {
        let mut window = ManuallyDrop::new(window);
        // SAFETY: neither is dropped again.
        EguiEditorHandle::run_until_closed(unsafe { ManuallyDrop::take(&mut window.inner) })
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &Window) -> Result<(), Self::Error> {
        self.0.set_parent(parent, &window.inner)
    }

    fn show(&self, window: &Window) -> Result<(), Self::Error> {
        self.0.show(&window.inner)
    }

    fn hide(&self, window: &Window) -> Result<(), Self::Error> {
        self.0.hide(&window.inner)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &Window) -> Result<(), Self::Error> {
        self.0.set_size(size, &window.inner)
    }

    fn host_main_thread_callback(&self, window: &Window) {
        self.0.host_main_thread_callback(&window.inner);
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &Window) -> Option<NativeSize<u32>> {
        self.0.adjust_size(size, &window.inner)
    }

    fn set_fallback_scale_factor(&self, scale: f64, window: &Window) -> Result<(), Self::Error> {
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
