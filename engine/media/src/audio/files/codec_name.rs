//! Names of audio codecs, for error messages.

use symphonia::core::codecs::audio::AudioCodecId;
use symphonia::core::codecs::audio::well_known as id;

/// Returns the usual name of `codec`, or its number where symphonia's list has no name.
pub(super) fn codec_name(codec: AudioCodecId) -> String {
    let known = [
        (id::CODEC_ID_VORBIS, "Vorbis"),
        (id::CODEC_ID_ALAC, "ALAC"),
        (id::CODEC_ID_FLAC, "FLAC"),
        (id::CODEC_ID_ADPCM_MS, "MS ADPCM"),
        (id::CODEC_ID_ADPCM_IMA_WAV, "IMA ADPCM"),
        (id::CODEC_ID_OPUS, "Opus"),
        (id::CODEC_ID_SPEEX, "Speex"),
        (id::CODEC_ID_MUSEPACK, "Musepack"),
        (id::CODEC_ID_AAC, "this variant of AAC"),
        (id::CODEC_ID_AC3, "AC-3 (Dolby Digital)"),
        (id::CODEC_ID_EAC3, "E-AC-3 (Dolby Digital Plus)"),
        (id::CODEC_ID_AC4, "AC-4"),
        (id::CODEC_ID_DCA, "DTS"),
        (id::CODEC_ID_ATRAC1, "ATRAC1"),
        (id::CODEC_ID_ATRAC3, "ATRAC3"),
        (id::CODEC_ID_ATRAC3PLUS, "ATRAC3plus"),
        (id::CODEC_ID_ATRAC9, "ATRAC9"),
        (id::CODEC_ID_WMA, "Windows Media Audio"),
        (id::CODEC_ID_SBC, "SBC"),
        (id::CODEC_ID_APTX, "aptX"),
        (id::CODEC_ID_APTX_HD, "aptX HD"),
        (id::CODEC_ID_LDAC, "LDAC"),
        (id::CODEC_ID_WAVPACK, "WavPack"),
        (id::CODEC_ID_MONKEYS_AUDIO, "Monkey's Audio"),
        (id::CODEC_ID_TTA, "TTA"),
        (id::CODEC_ID_TRUEHD, "Dolby TrueHD"),
    ];
    known
        .iter()
        .find(|(id, _)| *id == codec)
        .map_or_else(|| format!("codec {codec}"), |(_, name)| (*name).to_owned())
}
