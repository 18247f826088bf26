//! Options that a model is loaded with.

use std::path::PathBuf;

#[cfg(feature = "reference")]
use candle_core::Device;

#[cfg(feature = "reference")]
use super::error::CodecError;
use residue_kernels::Precision;

/// The executor of the transformers; the quantizer is always the same f32 code on the CPU.
#[derive(Clone, Debug, Default)]
pub enum CodecBackend {
    /// This project's kernels on the CPU. In each precision results are bit-identical for any chunking
    /// and any number of lanes and threads; f32 is exact.
    #[default]
    Native,
    /// candle on the given device, in f32. Results depend on the chunking within rounding.
    #[cfg(feature = "reference")]
    Candle(Device),
}

/// The parts of a model that are loaded. The quantizer always is: it is a hundredth of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CodecParts {
    /// Encoder and decoder.
    #[default]
    Whole,
    /// The encoder alone: audio to codes.
    Encoder,
    /// The decoder alone: codes to audio.
    Decoder,
}

impl CodecParts {
    /// Returns true if audio can be encoded.
    pub fn encodes(self) -> bool {
        self != Self::Decoder
    }

    /// Returns true if codes can be decoded.
    pub fn decodes(self) -> bool {
        self != Self::Encoder
    }
}

/// Backend, precision, threads, parts and packed-weights cache of a model.
#[derive(Clone, Debug, Default)]
pub struct CodecOptions {
    /// Executor of the transformers.
    pub backend: CodecBackend,
    /// Number format of the linear layers; [`CodecBackend::Candle`] supports f32 only.
    pub precision: Precision,
    /// Threads of the CPU's arithmetic; 0 chooses by the number of cores. With
    /// [`CodecBackend::Native`] the calling thread is one of them, and 0 leaves one core to other work.
    /// With [`CodecBackend::Candle`] 0 is one thread a core.
    pub threads: usize,
    /// Parts to load.
    pub parts: CodecParts,
    /// Folder that caches packed weights for the next start. A file there is as large as the model in
    /// memory. Only models that are loaded from a folder in another precision than f32 are cached, since
    /// f32 takes no time to pack.
    pub packed_cache: Option<PathBuf>,
}

impl CodecOptions {
    /// Returns options that run a model on candle on the CPU, in f32: the oracle of the native kernels. `None` if
    /// this program was built without it (the feature `reference`).
    pub fn reference(threads: usize) -> Option<Self> {
        #[cfg(feature = "reference")]
        let backend = Some(CodecBackend::Candle(Device::Cpu));
        #[cfg(not(feature = "reference"))]
        let backend: Option<CodecBackend> = None;
        backend.map(|backend| Self { backend, threads, ..Self::default() })
    }
}

#[cfg(feature = "reference")]
impl CodecOptions {
    /// Returns the device that tensors are made on.
    ///
    /// # Errors
    /// [`CodecError::Precision`] if the backend does not support the precision.
    pub(super) fn device(&self) -> Result<&Device, CodecError> {
        match (&self.backend, self.precision) {
            (CodecBackend::Native, _) => Ok(&Device::Cpu),
            (CodecBackend::Candle(device), Precision::F32) => Ok(device),
            (CodecBackend::Candle(_), precision) => Err(CodecError::Precision { precision }),
        }
    }
}
