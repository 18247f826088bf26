//! Activation functions that a configuration may name, with PyTorch's default parameters.

use crate::config::Activation;
use residue_kernels::{Isa, gelu};

/// Applies the function to every number in place.
pub(super) fn activate(activation: Activation, isa: Isa, x: &mut [f32]) {
    fn each(x: &mut [f32], f: impl Fn(f32) -> f32) {
        x.iter_mut().for_each(|x| *x = f(*x));
    }
    match activation {
        Activation::Identity => {}
        Activation::Relu => each(x, |x| x.max(0.0)),
        Activation::LeakyRelu => each(x, |x| x.max(x * 0.01)),
        Activation::Elu => each(x, |x| if x > 0.0 { x } else { x.exp_m1() }),
        Activation::Gelu => gelu(isa, x),
        Activation::Silu => each(x, |x| x / (1.0 + (-x).exp())),
        // x tanh(softplus(x)), softplus(x) = max(x, 0) + ln(1 + exp(-|x|)): no exp overflows
        Activation::Mish => each(x, |x| x * (x.max(0.0) + (-x.abs()).exp().ln_1p()).tanh()),
        Activation::Sigmoid => each(x, |x| 1.0 / (1.0 + (-x).exp())),
        Activation::Softsign => each(x, |x| x / (x.abs() + 1.0)),
        Activation::Tanh => each(x, f32::tanh),
    }
}
