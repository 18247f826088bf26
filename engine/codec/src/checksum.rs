//! A checksum against damage, not against malice, as fast as memory.

/// Odd constants without structure: the bits of the square roots of the first eight primes.
const SEEDS: [u64; 8] = [
    0x6a09_e667_f3bc_c909,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];
/// Odd, so that multiplying loses nothing.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Sixty-four bits of `data`: eight interleaved chains of xor, multiply and rotate, each step of
/// which can be undone, so that no change of one word goes unseen.
pub(super) fn checksum(data: &[u8]) -> u64 {
    let mut sums = SEEDS;
    let (lines, rest) = data.as_chunks::<64>();
    let mut take = |line: &[u8; 64]| {
        for (sum, word) in sums.iter_mut().zip(line.as_chunks::<8>().0) {
            *sum = (*sum ^ u64::from_le_bytes(*word)).wrapping_mul(FACTOR).rotate_left(29);
        }
    };
    lines.iter().for_each(&mut take);
    let mut last = [0; 64];
    last[..rest.len()].copy_from_slice(rest);
    take(&last);
    let step = |all: u64, sum: u64| (all ^ sum).wrapping_mul(FACTOR).rotate_left(29);
    sums.into_iter().fold(data.len() as u64, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_and_the_length_count() {
        let data: Vec<u8> = (0..1000u32).map(|i| (i * 7) as u8).collect();
        let whole = checksum(&data);
        for i in 0..data.len() {
            let mut other = data.clone();
            other[i] ^= 1;
            assert_ne!(checksum(&other), whole, "byte {i}");
            assert_ne!(checksum(&data[..i]), whole, "length {i}");
        }
    }
}
