//! Runtime dispatch over instruction sets.

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::portable;
use super::simd::Kernel;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "aarch64")]
    Neon,
    #[cfg(target_arch = "aarch64")]
    NeonDot,
}

/// Instruction set that this processor has. It decides the speed of results, never their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Kind);

impl Isa {
    /// Returns the fastest one of this processor.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni");
            if avx2 && avx512 {
                return Self(Kind::Avx512);
            }
            if avx2 {
                return Self(Kind::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") {
            let dot = std::arch::is_aarch64_feature_detected!("dotprod");
            return Self(if dot { Kind::NeonDot } else { Kind::Neon });
        }
        Self(Kind::Portable)
    }

    /// Returns all of this processor, slowest first. Allocates.
    pub fn available() -> Vec<Self> {
        let best = Self::best();
        let mut all = vec![Self(Kind::Portable)];
        #[cfg(target_arch = "x86_64")]
        if best == Self(Kind::Avx512) {
            all.push(Self(Kind::Avx2));
        }
        #[cfg(target_arch = "aarch64")]
        if best == Self(Kind::NeonDot) {
            all.push(Self(Kind::Neon));
        }
        if best != Self(Kind::Portable) {
            all.push(best);
        }
        all
    }

    /// Runs a kernel on this instruction set.
    ///
    /// # Safety
    /// The contract of the kernel's type must hold.
    #[inline]
    pub(super) unsafe fn run<K: Kernel>(self, kernel: K) {
        match self.0 {
            // SAFETY: by the contract.
            Kind::Portable => unsafe { portable::run(kernel) },
            // SAFETY: by the contract; a value of this kind is only made where the processor has AVX2 and
            // FMA.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::run(kernel) },
            // SAFETY: by the contract; as above for AVX-512F, BW and VNNI, AVX2 and FMA.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::run(kernel) },
            // SAFETY: by the contract; as above for NEON.
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => unsafe { neon::run(kernel) },
            // SAFETY: by the contract; as above for NEON and dot products.
            #[cfg(target_arch = "aarch64")]
            Kind::NeonDot => unsafe { neon::run_dot(kernel) },
        }
    }
}
