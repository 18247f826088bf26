//! Streaming allocates nothing: counted, in every precision.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use residue_engine::codec::{Codec, CodecOptions, Precision};

/// Counts what all threads of this program ask for.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The only test of this program: others would be counted too.
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
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..3 {
            encoder.encode_into(&planes, depth, &mut codes).unwrap();
            decoder.decode_into(&[(&codes, depth), (&codes, 4)], 5, &mut decoded).unwrap();
        }
        let after = ALLOCATIONS.load(Ordering::Relaxed);
        assert_eq!(after - before, 0, "{precision}, {threads} threads");
        assert!(decoded.iter().any(|x| *x != 0.0));
    }
}
