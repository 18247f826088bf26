//! The editor on the window's thread, from opening to closing.

use std::time::{Duration, Instant};

use egui::{Align2, Context, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, NiceEguiApp};
use residue_ui::{Theme, theme};

use super::panel::Panel;
use crate::instance::Instance;
use crate::workarounds::{WindowThread, catch_panic, pin_graphics_libraries};

/// An open editor.
pub struct EditorApp {
    instance: Instance,
    thread: WindowThread,
    panel: Option<Panel>,
    /// Drawing has panicked: the panel is in an unknown state and not drawn again.
    failed: bool,
    /// When to repeat the request for a frame, in case the last one was lost.
    next_request: Instant,
}

/// Interval at which the request for a frame is repeated.
const REQUEST_INTERVAL: Duration = Duration::from_millis(400);

impl EditorApp {
    /// Creates an editor that is not open yet. Its window's thread registers itself in `thread`.
    pub fn new(instance: Instance, thread: WindowThread) -> Self {
        Self { instance, thread, panel: None, failed: false, next_request: Instant::now() }
    }
}

impl NiceEguiApp for EditorApp {
    fn build(
        &mut self,
        ctx: Context,
        gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.thread.register_current();
        pin_graphics_libraries();
        Theme::install(&ctx);
        // The host sets the scale.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        frame.set_clear_color(Theme::DARK.background.into());
        self.panel = Some(Panel::new(self.instance.clone(), gui));
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut Frame) {
        // One request at a time: each is a timer of the window's event loop.
        let now = Instant::now();
        if now >= self.next_request {
            self.next_request = now + REQUEST_INTERVAL;
            frame.baseview_window().request_redraw_after(REQUEST_INTERVAL);
        }
        if let Some(panel) = self.panel.as_mut().filter(|_| !self.failed) {
            self.failed = catch_panic("the editor", || panel.show(ui)).is_none();
        }
        if self.failed {
            let theme = Theme::of(ui);
            let rect = ui.max_rect();
            let text =
                "The editor has failed. Audio continues; close the editor and open it again.";
            ui.painter().rect_filled(rect, 0, theme.background);
            let (at, font) = (rect.center(), theme::value());
            ui.painter().text(at, Align2::CENTER_CENTER, text, font, theme.alert);
        }
    }

    fn resized(&mut self, size: WindowSize) {
        let (width, height) = (size.logical.width, size.logical.height);
        self.instance.params.editor.change(|appearance| {
            // A cast from float to integer saturates.
            (appearance.width, appearance.height) = (width.round() as u32, height.round() as u32);
        });
    }
}
