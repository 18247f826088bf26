//! Every value of a configuration's enumerations, native kernels against candle, on random weights.

mod support;

use residue_engine::codec::{
    Activation, CheckpointFormat, Codec, CodecBackend, CodecConfig, CodecOptions, Device,
    FeedForward, ModuleConfig, NormKind, PositionConfig, QuantizerConfig, TransformerConfig,
};
use support::{difference, peak, signal, slices};

const FRAME: usize = 24;
const FRAMES: usize = 40;

/// Returns a model of one patch and one stage on either side.
fn config(stage: TransformerConfig, channels: usize, interleave: bool) -> CodecConfig {
    let patch = if interleave { FRAME * channels } else { FRAME };
    let width = if interleave { patch } else { patch * channels };
    let encoder = TransformerConfig { input: width, output: 20, ..stage.clone() };
    let decoder = TransformerConfig { input: 20, output: width, ..stage };
    CodecConfig {
        format: CheckpointFormat::Published,
        sample_rate: 8000,
        channels,
        interleave,
        frame_samples: FRAME,
        square_projections: true,
        encoder: vec![ModuleConfig::Patch { size: patch }, ModuleConfig::Transformer(encoder)],
        quantizer: QuantizerConfig {
            input: 20,
            rvq: 20,
            output: 20,
            layers: 3,
            codebook_size: 32,
            codebook_dim: 4,
        },
        decoder: vec![ModuleConfig::Transformer(decoder), ModuleConfig::Patch { size: patch }],
    }
}

fn stage() -> TransformerConfig {
    TransformerConfig {
        input: 0,
        output: 0,
        width: 36,
        heads: 2,
        layers: 2,
        feed_forward: FeedForward::Plain { hidden: 50 },
        norm: NormKind::Layer,
        layer_scale: false,
        positions: PositionConfig { rope: true, sin: false },
        max_period: 10_000.0,
        positional_scale: 1.0,
        context: 7,
    }
}

/// Checks latents and audio against candle within rounding, and another chunking bit for bit.
fn check(name: &str, config: &CodecConfig) {
    let options = |backend| CodecOptions { backend, threads: 1, ..CodecOptions::default() };
    let native = Codec::random(config.clone(), 5, &options(CodecBackend::Native)).unwrap();
    let candle =
        Codec::random(config.clone(), 5, &options(CodecBackend::Candle(Device::Cpu))).unwrap();
    let audio = signal(config.channels, FRAMES * FRAME, 11);

    let latents = |codec: &Codec| codec.encoder(1).latents(&slices(&audio)).unwrap().remove(0);
    let (ours, theirs) = (latents(&native), latents(&candle));
    let error = difference(std::slice::from_ref(&ours.data), std::slice::from_ref(&theirs.data));
    assert!(error < 1e-4 * peak(&[theirs.data]), "{name}: latents differ by {error}");

    let codes = native.quantizer().quantize(&ours, 3).unwrap();
    let decode = |codec: &Codec| codec.decoder(1).decode(&[(&codes, 3)]).unwrap().remove(0);
    let (ours, theirs) = (decode(&native), decode(&candle));
    let error = difference(&ours, &theirs);
    assert!(error < 1e-4 * peak(&theirs), "{name}: audio differs by {error}");
    assert!(peak(&ours) > 1e-3, "{name}: is silent");

    // In chunks, from ten hours into a stream and from its start.
    for start in [0, 36_000 * 8000 / FRAME as u64] {
        let mut whole = native.decoder(1);
        whole.start_at(start);
        let whole = whole.decode(&[(&codes, 3)]).unwrap().remove(0);
        let mut chunked = native.decoder(1);
        chunked.start_at(start);
        let mut parts = vec![Vec::new(); config.channels];
        for from in (0..FRAMES).step_by(5) {
            let part = codes.slice(from..from + 5);
            let next = chunked.decode(&[(&part, 3)]).unwrap().remove(0);
            parts.iter_mut().zip(next).for_each(|(plane, next)| plane.extend(next));
        }
        assert!(parts == whole, "{name}: chunks from frame {start} differ");
    }
}

#[test]
fn every_activation() {
    for activation in [
        Activation::Identity,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Elu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Mish,
        Activation::Sigmoid,
        Activation::Softsign,
        Activation::Tanh,
    ] {
        let feed_forward = FeedForward::Gated { hidden: 30, activation };
        let stage = TransformerConfig { feed_forward, ..stage() };
        check(&format!("{activation:?}"), &config(stage, 1, false));
    }
}

#[test]
fn every_norm_and_scale() {
    for norm in [NormKind::Layer, NormKind::Rms { eps: 1e-5 }, NormKind::Rms { eps: 1e-8 }] {
        for layer_scale in [false, true] {
            let stage = TransformerConfig { norm, layer_scale, ..stage() };
            check(&format!("{norm:?}, layer scale {layer_scale}"), &config(stage, 1, false));
        }
    }
}

#[test]
fn every_position() {
    for rope in [false, true] {
        for sin in [false, true] {
            let positions = PositionConfig { rope, sin };
            let stage = TransformerConfig {
                positions,
                positional_scale: 0.5,
                max_period: 300.0,
                ..stage()
            };
            check(&format!("{positions:?}"), &config(stage, 1, false));
        }
    }
}

#[test]
fn every_head_and_window() {
    for heads in [1, 2, 6, 18, 36] {
        for context in [1, 2, 16, 17, 100] {
            let rope = 36 / heads % 2 == 0;
            let positions = PositionConfig { rope, sin: false };
            let stage = TransformerConfig { heads, context, positions, ..stage() };
            check(&format!("{heads} heads, window {context}"), &config(stage, 1, false));
        }
    }
}

#[test]
fn every_channel_layout() {
    for (channels, interleave) in [(1, false), (2, true), (2, false), (3, true)] {
        let name = format!("{channels} channels, interleaved {interleave}");
        check(&name, &config(stage(), channels, interleave));
    }
}
