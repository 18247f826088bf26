//! Bias-free linear layers on packed weights.

#![allow(clippy::needless_range_loop, reason = "tiles are indexed by row and column")]

use std::io;
use std::ops::Range;

use super::activations::{BLOCK, Outlet, Rounded, Rows, Sink};
use super::arena::{Arena, Block};
use super::gelu::gelu_vector;
use super::isa::Isa;
use super::moments::{Moments, Notes};
use super::pack::{PANEL, pack, packed_bytes, panel_bytes};
use super::precision::Precision;
use super::rounding::loss;
use super::shared::Shared;
use super::simd::{Ahead, Kernel, LANES, Simd};
use super::team::Crew;

/// Multiply-adds below which a layer is not worth sharing between threads.
const SHARED_WORK: usize = 1 << 17;
/// Panels whose outputs are a block together, which is rounded as one.
const BLOCK_PANELS: usize = BLOCK / PANEL;
/// How many bytes ahead of its use a weight is brought near where memory is the limit: measured.
const NEAR: usize = 4096;

/// The most that a precision may take away of a layer's weights, in power. With 8 bits 36 dB below them,
/// where normal noise has 44; with 4 bits 18, where it has 22. More is lost where a few weights are much
/// larger than those beside them.
const fn most_lost(precision: Precision) -> f64 {
    match precision {
        Precision::F32 | Precision::Bf16 => f64::INFINITY,
        Precision::Int8 => 2.5e-4,
        Precision::Int4 => 1.5e-2,
    }
}

/// What becomes of a layer's result.
#[derive(Clone, Copy)]
pub enum Epilogue<'a> {
    /// y = result.
    Store,
    /// y = GELU(result), see [`super::gelu()`].
    Gelu,
    /// y += result.
    Add,
    /// y += result * scale, a number an output.
    AddScaled(&'a [f32]),
}

/// What else becomes of it, part by part while that is near at hand.
pub enum Then<'a> {
    /// Nothing.
    Nothing,
    /// It is rounded, for a layer of integers.
    Round(&'a mut Rounded),
    /// Its moments are noted, for a norm.
    Note(&'a mut Moments),
}

/// The same for the threads of a loop.
#[derive(Clone, Copy)]
enum Follow<'a> {
    Nothing,
    Round(Sink<'a>),
    Note(Notes<'a>),
}

/// y = x Wᵀ.
///
/// In f32 and bf16 each output is one chain of fused multiply-adds over ascending inputs, starting
/// at 0. In integers it is such a chain over blocks of 128 inputs, of each its coarse integers and then, if
/// there are any, its fine ones, whose sums are exact. So it depends neither on the rows beside it nor on
/// threads or instruction set.
pub struct Linear {
    input: usize,
    output: usize,
    precision: Precision,
    packed: Block,
}

impl Linear {
    /// Packs W, stored (output, input) row-major as checkpoints have it, with rayon's threads. A layer
    /// that few bits would spoil is kept in more. Allocates.
    ///
    /// # Errors
    /// If there is no memory for it.
    ///
    /// # Panics
    /// If `weights` is not `output * input` long or either is 0.
    pub fn pack(
        weights: &[f32],
        output: usize,
        input: usize,
        precision: Precision,
        arena: &Arena,
    ) -> io::Result<Self> {
        assert!(input > 0 && output > 0 && weights.len() == output * input, "W is output x input");
        let mut forms = Self::forms(precision).iter().copied();
        let bears = |form: &Precision| loss(*form, weights, input) <= most_lost(*form);
        let precision = forms.find(bears).expect("floats lose little");
        let mut packed = arena.take(packed_bytes(precision, output, input))?;
        pack(precision, weights, input, packed.as_mut_slice());
        Ok(Self { input, output, precision, packed })
    }

    /// Bytes of a packed layer that is kept in `precision` itself.
    pub fn packed_bytes(precision: Precision, output: usize, input: usize) -> usize {
        packed_bytes(precision, output, input)
    }

    /// The precisions that a layer may be kept in where `precision` is wished for, that first.
    pub fn forms(precision: Precision) -> &'static [Precision] {
        match precision {
            Precision::F32 => &[Precision::F32],
            Precision::Bf16 => &[Precision::Bf16],
            Precision::Int8 => &[Precision::Int8, Precision::Bf16],
            Precision::Int4 => &[Precision::Int4, Precision::Int8, Precision::Bf16],
        }
    }

    /// Takes up what [`Linear::packed`] gave before of a layer kept in `precision`, in a process with
    /// the same [`PACKING`](super::PACKING); none if its length is not right.
    pub fn from_packed(
        packed: Block,
        output: usize,
        input: usize,
        precision: Precision,
    ) -> Option<Self> {
        let right = packed.as_slice().len() == packed_bytes(precision, output, input);
        right.then_some(Self { input, output, precision, packed })
    }

    /// What the layer is kept in.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The packed weights.
    pub fn packed(&self) -> &[u8] {
        self.packed.as_slice()
    }

    /// Numbers a row of x.
    pub fn input(&self) -> usize {
        self.input
    }

    /// Numbers a row of y.
    pub fn output(&self) -> usize {
        self.output
    }

    /// Whether it takes rows as integers.
    pub fn is_integer(&self) -> bool {
        self.precision.is_integer()
    }

    /// Where rows go that the layer takes.
    pub fn outlet<'a>(&self, floats: &'a mut [f32], rounded: &'a mut Rounded) -> Outlet<'a> {
        Outlet { floats, rounded: self.is_integer().then_some(rounded) }
    }

    /// The rows of `x`, (rows, input), as the layer takes them. Allocates and blocks on nothing but the
    /// crew.
    ///
    /// # Panics
    /// If they must be rounded and `room` has none for as many.
    pub fn rows<'a>(
        &self,
        crew: &Crew<'_>,
        isa: Isa,
        x: &'a [f32],
        room: &'a mut Rounded,
    ) -> Rows<'a> {
        if !self.is_integer() {
            return Rows::Floats(x);
        }
        room.round(crew, isa, x, self.input);
        Rows::Integers(room)
    }

    /// Computes all rows of `x`, (rows, input) row-major, into `y`, (rows, output). Allocates and
    /// blocks on nothing but the crew.
    ///
    /// # Panics
    /// If the lengths do not fit together, `x` is not of the form that the layer takes, or `then` has no
    /// room for as many rows.
    pub fn forward(
        &self,
        crew: &Crew<'_>,
        isa: Isa,
        x: Rows<'_>,
        y: &mut [f32],
        epilogue: Epilogue<'_>,
        then: Then<'_>,
    ) {
        let rows = y.len() / self.output;
        let fits = match x {
            Rows::Floats(x) => !self.is_integer() && x.len() == rows * self.input,
            Rows::Integers(x) => self.is_integer() && (x.rows(), x.input()) == (rows, self.input),
        };
        assert!(fits && y.len() == rows * self.output, "rows of x and y, in the layer's form");
        if let Epilogue::AddScaled(scale) = epilogue {
            assert_eq!(scale.len(), self.output, "a scale an output");
        }
        let panels = self.output.div_ceil(PANEL);
        // Panels of one part are whole blocks of what is rounded.
        let (follow, each) = match then {
            Then::Nothing => (Follow::Nothing, 1),
            Then::Round(rounded) => (Follow::Round(rounded.sink(rows, self.output)), BLOCK_PANELS),
            Then::Note(moments) => (Follow::Note(moments.notes(rows, self.output)), 1),
        };
        let y = Shared::new(y);
        // One part a thread, long enough for prefetching to get going: more of them would even out
        // what holds a thread up, and cost a tenth to a fifth when nothing does.
        let parts = (rows * self.input * self.output / SHARED_WORK).min(crew.threads());
        let count = panels.div_ceil(each);
        crew.share(count, parts.clamp(1, count), |_, Range { start, end }| {
            let (from, to) = (start * each, panels.min(end * each));
            isa.run(Panels { linear: self, x, rows, y, epilogue, follow, from, to });
        });
    }
}

/// All rows of the panels `from..to`.
pub(super) struct Panels<'a> {
    pub linear: &'a Linear,
    pub x: Rows<'a>,
    pub rows: usize,
    pub y: Shared<'a>,
    pub epilogue: Epilogue<'a>,
    follow: Follow<'a>,
    pub from: usize,
    pub to: usize,
}

impl Kernel for Panels<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the instruction set is there by the caller's promise.
        unsafe {
            match (self.x, self.linear.precision) {
                (Rows::Integers(x), _) => self.integers::<S>(x),
                (Rows::Floats(x), Precision::Bf16) if S::WIDE => self.tiles::<S, Bf16, 2>(x, 12),
                (Rows::Floats(x), Precision::Bf16) => self.tiles::<S, Bf16, 2>(x, 2),
                (Rows::Floats(x), _) if S::WIDE => self.tiles::<S, F32, 2>(x, 12),
                (Rows::Floats(x), _) => self.tiles::<S, F32, 1>(x, 4),
            }
        }
    }
}

impl Panels<'_> {
    /// All of them as floats, in tiles of `C` vectors by at most so many rows: such that their sums, a
    /// row of weights and an activation fit the registers.
    #[inline(always)]
    unsafe fn tiles<S: Simd, F: Format, const C: usize>(&self, x: &[f32], most: usize) {
        let bytes = panel_bytes(self.linear.precision, self.linear.input);
        let turns = self.linear.input;
        let stride = bytes / turns;
        // Few rows wait for memory, and what is needed next is then best asked for first. How few is
        // measured too.
        let few = if self.linear.precision == Precision::Bf16 { 2 } else { 4 };
        let distance = if self.rows <= few { NEAR } else { bytes };
        for panel in self.from..self.to {
            let mut row = 0;
            // While the tiles of a panel work, each brings a part of what follows near. What follows
            // the last panel is the first of the layer after: weights lie in the order of their use.
            let next = Ahead { from: self.panel(panel).as_ptr().wrapping_add(distance), stride };
            while row < self.rows {
                let ahead = |rows| next.part(row..row + rows, self.rows, turns);
                // SAFETY: the instruction set is there by the caller's promise, and `row + R` does
                // not exceed `rows`.
                unsafe {
                    row += match (self.rows - row).min(most) {
                        12.. if S::WIDE => self.tile::<S, F, 12, C>(x, panel, row, ahead(12)),
                        8.. if S::WIDE => self.tile::<S, F, 8, C>(x, panel, row, ahead(8)),
                        4.. => self.tile::<S, F, 4, C>(x, panel, row, ahead(4)),
                        2.. => self.tile::<S, F, 2, C>(x, panel, row, ahead(2)),
                        _ => self.tile::<S, F, 1, C>(x, panel, row, ahead(1)),
                    };
                }
            }
            // SAFETY: the instruction set is there by the caller's promise.
            unsafe { self.follow::<S>(panel) };
        }
    }

    /// What follows once all rows of a panel are done.
    ///
    /// # Safety
    /// The instruction set must be there.
    #[inline(always)]
    pub(super) unsafe fn follow<S: Simd>(&self, panel: usize) {
        // SAFETY: the instruction set is there by the caller's promise; y holds all rows, and this part
        // has the whole panel, and block, of them.
        unsafe {
            match self.follow {
                Follow::Nothing => {}
                Follow::Note(notes) => notes.panel::<S>(panel, self.y.at(0)),
                Follow::Round(sink) => {
                    if panel % BLOCK_PANELS == BLOCK_PANELS - 1 || panel + 1 == self.to {
                        sink.round::<S>(panel / BLOCK_PANELS, 0..self.rows, self.y.at(0));
                    }
                }
            }
        }
    }

    /// `R` rows of one panel; returns R.
    #[inline(always)]
    unsafe fn tile<S: Simd, F: Format, const R: usize, const C: usize>(
        &self,
        x: &[f32],
        panel: usize,
        row: usize,
        ahead: Ahead,
    ) -> usize {
        for column in (0..PANEL).step_by(C * LANES) {
            // SAFETY: the caller's promise; the columns are a panel's.
            unsafe { self.floats::<S, F, R, C>(x, panel, row, column, ahead) }
        }
        R
    }

    /// The bytes of a panel.
    #[inline(always)]
    pub(super) fn panel(&self, panel: usize) -> &[u8] {
        let bytes = panel_bytes(self.linear.precision, self.linear.input);
        &self.linear.packed.as_slice()[panel * bytes..][..bytes]
    }

    /// `R` rows of `C` vectors of one panel's outputs, as chains of multiply-adds.
    #[inline(always)]
    unsafe fn floats<S: Simd, F: Format, const R: usize, const C: usize>(
        &self,
        x: &[f32],
        panel: usize,
        row: usize,
        column: usize,
        ahead: Ahead,
    ) {
        let input = self.linear.input;
        let x = &x[row * input..][..R * input];
        let weights = self.panel(panel);
        // SAFETY: x holds R rows, and a panel `input` rows of 32 weights, of which 16 C from
        // `column` are inside.
        unsafe {
            let x = x.as_ptr();
            let mut sums = [[S::zero(); C]; R];
            for k in 0..input {
                ahead.fetch::<S>(k);
                let w = F::load::<S, C>(weights.as_ptr(), k, column);
                for r in 0..R {
                    let x = S::splat(*x.add(r * input + k));
                    for c in 0..C {
                        sums[r][c] = x.fma(w[c], sums[r][c]);
                    }
                }
            }
            self.finish(sums, panel * PANEL + column, row);
        }
    }

    /// Stores outputs `first`.. of the rows from `row`, as many as there are.
    #[inline(always)]
    pub(super) unsafe fn finish<S: Simd, const R: usize, const C: usize>(
        &self,
        sums: [[S; C]; R],
        first: usize,
        row: usize,
    ) {
        let output = self.linear.output;
        for c in 0..C {
            let n = first + c * LANES;
            if n >= output {
                break;
            }
            let present = output - n;
            for r in 0..R {
                // SAFETY: the caller's promise: the rows exist, so `present` numbers, or sixteen,
                // are at y and at scale[n..]; panels are disjoint, so that no other part writes
                // there.
                unsafe {
                    let y = self.y.at((row + r) * output + n);
                    let sum = sums[r][c];
                    let result = match self.epilogue {
                        Epilogue::Store => sum,
                        Epilogue::Gelu => gelu_vector(sum),
                        Epilogue::Add => S::load_present(y, present).add(sum),
                        Epilogue::AddScaled(scale) => {
                            let scale = S::load_present(scale.as_ptr().add(n), present);
                            sum.fma(scale, S::load_present(y, present))
                        }
                    };
                    result.store_present(y, present);
                }
            }
        }
    }
}

/// How a panel of floats is read.
trait Format {
    /// `C` vectors of weights of input `k`, from `column` on.
    ///
    /// # Safety
    /// The instruction set must be there, and the weights be inside the panel.
    unsafe fn load<S: Simd, const C: usize>(panel: *const u8, k: usize, column: usize) -> [S; C];
}

struct F32;

impl Format for F32 {
    #[inline(always)]
    unsafe fn load<S: Simd, const C: usize>(panel: *const u8, k: usize, column: usize) -> [S; C] {
        // SAFETY: the caller's promise.
        unsafe {
            let from = panel.cast::<f32>().add(k * PANEL + column);
            let mut weights = [S::load(from); C];
            for c in 1..C {
                weights[c] = S::load(from.add(c * LANES));
            }
            weights
        }
    }
}

struct Bf16;

impl Format for Bf16 {
    /// A whole row of the panel: two vectors.
    #[inline(always)]
    unsafe fn load<S: Simd, const C: usize>(panel: *const u8, k: usize, _column: usize) -> [S; C] {
        const { assert!(C == PANEL / LANES, "words hold outputs of both vectors") };
        // SAFETY: the caller's promise.
        unsafe {
            let (first, second) = S::load_bf16(panel.cast::<u16>().add(k * PANEL));
            let mut weights = [first; C];
            weights[1] = second;
            weights
        }
    }
}
