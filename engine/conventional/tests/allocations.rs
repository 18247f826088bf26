//! Memory that streams take while they run: a live path's worker calls them in time with the sound.

use residue_conventional::{CompandingLaw, ConventionalCodec, OpusApplication, OpusSettings};
use residue_engine_testing::SeededNoise;
use residue_engine_testing::allocation::{CountingAllocator, allocations, without_allocation};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

// One test: the counter is the program's.
#[test]
fn streams_take_little_memory_while_they_run() {
    let g711 = ConventionalCodec::G711(CompandingLaw::Mu);
    let mut stream = g711.stream(2).unwrap();
    let noise = SeededNoise::new(5).samples(320);
    let mut out = vec![0.0; 320];
    without_allocation(|| stream.process(&noise, false, &mut out)).unwrap();

    for kbps in [6.0, 12.0, 24.0, 64.0] {
        let settings = OpusSettings::new(kbps, OpusApplication::Audio);
        let mut stream = ConventionalCodec::Opus(settings).stream(2).unwrap();
        let noise = SeededNoise::new(5).samples(1920 * 150);
        let mut out = vec![0.0; 1920];
        let mut before = 0;
        for (n, frame) in noise.chunks_exact(1920).enumerate() {
            // Buffers have grown by then.
            if n == 50 {
                before = allocations();
            }
            stream.process(frame, n % 10 == 3, &mut out).unwrap();
        }
        let frame = (allocations() - before) as f64 / 100.0;
        println!("{kbps} kbps: {frame:.1} allocations a frame");
        assert!(frame <= 40.0, "{kbps} kbps: {frame}");
    }
}
