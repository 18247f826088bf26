//! What the window's thread runs, from opening to closing.

use std::time::{Duration, Instant};

use egui::{Align2, Context, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, NiceEguiApp};
use residue_ui::{Theme, theme};

use super::panel::Panel;
use crate::guards::{WindowThread, no_panic, pin_graphics};
use crate::instance::Instance;

/// An open editor.
pub struct EditorApp {
    instance: Instance,
    thread: WindowThread,
    panel: Option<Panel>,
    /// Drawing panicked: what that left behind is not drawn again.
    broken: bool,
    /// When to ask for a frame once more, in case the one asked for gets lost.
    again: Instant,
}

/// The longest that a lost frame goes unnoticed.
const AGAIN: Duration = Duration::from_millis(400);

impl EditorApp {
    /// Not built yet. What it is built and run on becomes known as `thread`.
    pub fn new(instance: Instance, thread: WindowThread) -> Self {
        Self { instance, thread, panel: None, broken: false, again: Instant::now() }
    }
}

impl NiceEguiApp for EditorApp {
    fn build(
        &mut self,
        ctx: Context,
        gui: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        self.thread.here();
        pin_graphics();
        Theme::install(&ctx);
        // The host decides how large things are.
        ctx.options_mut(|options| options.zoom_with_keyboard = false);
        frame.set_clear_color(Theme::DARK.background.into());
        self.panel = Some(Panel::new(self.instance.clone(), gui));
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut Frame) {
        // One request at a time: each is a timer of the window's loop.
        let now = Instant::now();
        if now >= self.again {
            self.again = now + AGAIN;
            frame.baseview_window().request_redraw_after(AGAIN);
        }
        if let Some(panel) = self.panel.as_mut().filter(|_| !self.broken) {
            self.broken = no_panic("the editor", || panel.show(ui)).is_none();
        }
        if self.broken {
            let theme = Theme::of(ui);
            let rect = ui.max_rect();
            let text = "The editor has failed. Audio goes on; close the editor and open it again.";
            ui.painter().rect_filled(rect, 0, theme.background);
            let (at, font) = (rect.center(), theme::value());
            ui.painter().text(at, Align2::CENTER_CENTER, text, font, theme.alert);
        }
    }

    fn resized(&mut self, size: WindowSize) {
        let (width, height) = (size.logical.width, size.logical.height);
        self.instance.params.editor.change(|look| {
            // A float as an integer saturates.
            (look.width, look.height) = (width.round() as u32, height.round() as u32);
        });
    }
}
