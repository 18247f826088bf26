//! Runtime dispatch over instruction sets.

use std::fmt;
use std::sync::OnceLock;

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

/// Environment variable that names the instruction set to use.
const VARIABLE: &str = "RESIDUE_ISA";

/// Instruction set that this processor has. It decides the speed of results, never their bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Isa(Kind);

/// The instruction set that `RESIDUE_ISA` names is not one that this processor has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "RESIDUE_ISA is `{named}`, and this processor has {available}: name one of these, or leave it unset for the fastest"
)]
pub struct IsaError {
    named: String,
    available: String,
}

impl Isa {
    /// Returns the instruction set that `RESIDUE_ISA` names, to measure a slower one; otherwise, also where it names
    /// none of this processor's, the fastest. Looks once.
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Self::from_env().ok().flatten().unwrap_or_else(Self::fastest))
    }

    /// Returns the instruction set that `RESIDUE_ISA` names, `None` if it is unset or empty. Allocates.
    ///
    /// # Errors
    /// If this processor has no instruction set of that name.
    pub fn from_env() -> Result<Option<Self>, IsaError> {
        match std::env::var_os(VARIABLE) {
            Some(name) if !name.is_empty() => Self::named(&name.to_string_lossy()).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns whether it has registers for large tiles, as [`Simd::WIDE`](super::simd::Simd::WIDE).
    pub(super) fn is_wide(self) -> bool {
        struct IsWide<'a>(&'a mut bool);
        impl Kernel for IsWide<'_> {
            #[inline(always)]
            unsafe fn run<S: super::simd::Simd>(self) {
                *self.0 = S::WIDE;
            }
        }
        let mut wide = false;
        // SAFETY: the kernel demands nothing.
        unsafe { self.run(IsWide(&mut wide)) };
        wide
    }

    /// Returns whether it multiplies and adds 8-bit integers in one instruction, so that int8 is its fastest precision.
    pub fn has_int8_dot(self) -> bool {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => true,
            #[cfg(target_arch = "aarch64")]
            Kind::NeonDot => true,
            _ => false,
        }
    }

    /// Returns this processor's instruction set of a name.
    fn named(name: &str) -> Result<Self, IsaError> {
        let all = Self::available();
        all.iter().copied().find(|isa| isa.name() == name).ok_or_else(|| IsaError {
            named: name.into(),
            available: all.iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Returns the name: `portable`, `avx2`, `avx512`, `neon` or `neon-dot`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon => "neon",
            #[cfg(target_arch = "aarch64")]
            Kind::NeonDot => "neon-dot",
        }
    }

    /// Returns the fastest one of this processor.
    fn fastest() -> Self {
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
        let best = Self::fastest();
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

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruction_sets_are_found_by_name() {
        for isa in Isa::available() {
            assert_eq!(Isa::named(isa.name()), Ok(isa));
        }
        let error = Isa::named("avx9").unwrap_err().to_string();
        assert!(error.contains("`avx9`") && error.contains("has portable"), "{error}");
    }
}
