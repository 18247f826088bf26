//! Streaming allocates nothing, on any thread, in every precision.

use std::time::Duration;

use residue_engine::codec::{Codec, CodecOptions, Precision};
use residue_engine_testing::allocation::{CountingAllocator, allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// The only test of this program: those of others would be counted too.
#[test]
fn frames_are_encoded_and_decoded_without_allocation() {
    let model = residue_engine::models::embedded();
    for (precision, threads) in Precision::ALL.into_iter().flat_map(|p| [(p, 1), (p, 3)]) {
        let options = CodecOptions { precision, threads, ..CodecOptions::default() };
        let codec = Codec::load_from_memory(model.config, model.weights, &options).unwrap();
        let config = codec.config();
        let (frame, depth) = (config.frame_samples, config.quantizer.layers);
        let (mut encoder, mut decoder) = (codec.encoder(1), codec.decoder(2));
        let audio: Vec<f32> = (0..5 * frame).map(|i| (i as f32 * 0.07).sin() * 0.3).collect();
        let planes = vec![audio.as_slice(); config.channels];
        let mut codes = vec![0u32; 5 * depth];
        let mut decoded = vec![0f32; 2 * config.channels * 5 * frame];
        // The threads that loaded the model are on their way out, and may allocate there.
        std::thread::sleep(Duration::from_millis(100));
        let before = allocations();
        for _ in 0..3 {
            encoder.encode_into(&planes, depth, &mut codes).unwrap();
            decoder.decode_into(&[(&codes, depth), (&codes, 4)], 5, &mut decoded).unwrap();
        }
        let after = allocations();
        assert!(before > 0, "loading is counted");
        assert_eq!(after - before, 0, "{precision}, {threads} threads");
        assert!(decoded.iter().any(|x| *x != 0.0));
    }
}
