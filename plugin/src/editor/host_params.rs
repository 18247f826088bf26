//! The editor's access to parameters through the host, with gestures, so that hosts record automation.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use egui::Response;
use nice_plug::context::gui::GuiContext;
use nice_plug::params::Param;
use nice_plug::params::internals::ParamPtr;

use crate::workarounds::catch_panic;

/// Longest time for a host to apply a change. Until then the editor shows the value that it has set, so
/// that keys pressed in quick succession add up.
const PENDING: Duration = Duration::from_millis(300);

/// Reads and changes parameters through the host.
pub struct HostParams {
    gui: GuiContext,
    /// Normalized values that were set and that the host has not applied yet.
    pending: HashMap<ParamPtr, (f32, Instant)>,
    /// Parameters with an open gesture, because they are being dragged.
    dragged: Vec<ParamPtr>,
}

impl HostParams {
    /// Creates the access through a host's context.
    pub fn new(gui: GuiContext) -> Self {
        Self { gui, pending: HashMap::new(), dragged: Vec::new() }
    }

    /// Returns the value of a parameter.
    pub fn get<P: Param>(&mut self, param: &P) -> P::Plain {
        let ptr = param.as_ptr();
        let applied = param.unmodulated_normalized_value();
        match self.pending.get(&ptr) {
            Some((set, when)) if (set - applied).abs() > 1e-6 && when.elapsed() < PENDING => {
                param.preview_plain(*set)
            }
            Some(_) => {
                self.pending.remove(&ptr);
                param.unmodulated_plain_value()
            }
            None => param.unmodulated_plain_value(),
        }
    }

    /// Sets a parameter, in a gesture of its own unless it is being dragged.
    pub fn set<P: Param>(&mut self, param: &P, value: P::Plain) {
        let dragged = self.dragged.contains(&param.as_ptr());
        if !dragged {
            self.gui.param_setter().begin_set_parameter(param);
        }
        self.write(param, value);
        if !dragged {
            self.gui.param_setter().end_set_parameter(param);
        }
    }

    /// Takes the `response` of a widget that shows `value`: a drag is one gesture, any other change a
    /// gesture of its own.
    pub fn follow_widget<P: Param>(&mut self, param: &P, response: &Response, value: P::Plain) {
        let ptr = param.as_ptr();
        if response.drag_started() && !self.dragged.contains(&ptr) {
            self.dragged.push(ptr);
            self.gui.param_setter().begin_set_parameter(param);
        }
        if response.changed() {
            self.set(param, value);
        }
        if !response.dragged() && self.dragged.contains(&ptr) {
            self.dragged.retain(|dragged| *dragged != ptr);
            self.gui.param_setter().end_set_parameter(param);
        }
    }

    fn write<P: Param>(&mut self, param: &P, value: P::Plain) {
        let normalized = param.preview_normalized(value);
        self.gui.param_setter().set_parameter_normalized(param, normalized);
        self.pending.insert(param.as_ptr(), (normalized, Instant::now()));
    }
}

impl Drop for HostParams {
    /// Ends the gestures of an editor that is closed during a drag.
    fn drop(&mut self) {
        for dragged in std::mem::take(&mut self.dragged) {
            // SAFETY: the wrapper checks the pointer against its own parameters, which outlive the editor.
            catch_panic("ending a gesture", || unsafe {
                self.gui.raw_end_set_parameter(dragged);
            });
        }
    }
}
