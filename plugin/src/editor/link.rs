//! Parameters as the editor reads and changes them: with gestures, so that hosts record automation.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use egui::Response;
use nice_plug::context::gui::GuiContext;
use nice_plug::params::Param;
use nice_plug::params::internals::ParamPtr;

use crate::guards::no_panic;

/// How long a host may take to bring a change back. Until then the editor shows what was set, so that
/// keys pressed in quick succession add up.
const UNDERWAY: Duration = Duration::from_millis(300);

/// The way to the host.
pub struct Link {
    gui: GuiContext,
    /// Values that were set and are not there yet.
    underway: HashMap<ParamPtr, (f32, Instant)>,
    /// Parameters that are being dragged.
    held: Vec<ParamPtr>,
}

impl Link {
    /// Through the host's context.
    pub fn new(gui: GuiContext) -> Self {
        Self { gui, underway: HashMap::new(), held: Vec::new() }
    }

    /// The value of a parameter.
    pub fn get<P: Param>(&mut self, param: &P) -> P::Plain {
        let ptr = param.as_ptr();
        let there = param.unmodulated_normalized_value();
        match self.underway.get(&ptr) {
            Some((set, when)) if (set - there).abs() > 1e-6 && when.elapsed() < UNDERWAY => {
                param.preview_plain(*set)
            }
            Some(_) => {
                self.underway.remove(&ptr);
                param.unmodulated_plain_value()
            }
            None => param.unmodulated_plain_value(),
        }
    }

    /// Sets a parameter, in a gesture of its own.
    pub fn set<P: Param>(&mut self, param: &P, value: P::Plain) {
        let held = self.held.contains(&param.as_ptr());
        if !held {
            self.gui.param_setter().begin_set_parameter(param);
        }
        self.write(param, value);
        if !held {
            self.gui.param_setter().end_set_parameter(param);
        }
    }

    /// Follows a widget that may be dragged: `value` is what it shows now.
    pub fn follow<P: Param>(&mut self, param: &P, response: &Response, value: P::Plain) {
        let ptr = param.as_ptr();
        if response.drag_started() && !self.held.contains(&ptr) {
            self.held.push(ptr);
            self.gui.param_setter().begin_set_parameter(param);
        }
        if response.changed() {
            self.set(param, value);
        }
        if !response.dragged() && self.held.contains(&ptr) {
            self.held.retain(|held| *held != ptr);
            self.gui.param_setter().end_set_parameter(param);
        }
    }

    fn write<P: Param>(&mut self, param: &P, value: P::Plain) {
        let normalized = param.preview_normalized(value);
        self.gui.param_setter().set_parameter_normalized(param, normalized);
        self.underway.insert(param.as_ptr(), (normalized, Instant::now()));
    }
}

impl Drop for Link {
    /// An editor that is closed in the middle of a drag ends it.
    fn drop(&mut self) {
        for held in std::mem::take(&mut self.held) {
            // SAFETY: the wrapper checks that it knows the parameter, which lives as long as it does.
            no_panic("ending a gesture", || unsafe { self.gui.raw_end_set_parameter(held) });
        }
    }
}
