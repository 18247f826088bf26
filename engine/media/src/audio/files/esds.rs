//! MPEG-4 elementary stream descriptors (ISO/IEC 14496-1, 7.2.6), as MP4 and CAF hold them.

/// Tags of descriptors.
const ES: u8 = 3;
const DECODER_CONFIG: u8 = 4;
const DECODER_SPECIFIC: u8 = 5;

/// An elementary stream's codec.
#[derive(Debug, PartialEq)]
pub(super) struct StreamDescriptor<'a> {
    /// `objectTypeIndication`: 0x40 AAC, 0x66 to 0x68 MPEG-2 AAC, 0x69 and 0x6B MPEG audio.
    pub object_type: u8,
    /// The decoder's configuration; for AAC an `AudioSpecificConfig`.
    pub configuration: Option<&'a [u8]>,
}

/// Returns the codec in an ES descriptor.
pub(super) fn stream_descriptor(bytes: &[u8]) -> Option<StreamDescriptor<'_>> {
    let (tag, es, _) = descriptor(bytes)?;
    if tag != ES {
        return None;
    }
    let flags = *es.get(2)?;
    let mut skip = 3;
    if flags & 0x80 != 0 {
        skip += 2;
    }
    if flags & 0x40 != 0 {
        skip += 1 + usize::from(*es.get(skip)?);
    }
    if flags & 0x20 != 0 {
        skip += 2;
    }
    let (tag, decoder, _) = descriptor(es.get(skip..)?)?;
    if tag != DECODER_CONFIG {
        return None;
    }
    let configuration = match descriptor(decoder.get(13..)?) {
        Some((DECODER_SPECIFIC, bytes, _)) => Some(bytes),
        _ => None,
    };
    Some(StreamDescriptor { object_type: *decoder.first()?, configuration })
}

/// Returns the `AudioSpecificConfig` in an ES descriptor.
pub(super) fn aac_configuration(bytes: &[u8]) -> Option<&[u8]> {
    stream_descriptor(bytes)?.configuration
}

/// Splits a descriptor into tag, content and what follows. The length has seven bits a byte.
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, mut rest) = bytes.split_first()?;
    let mut length = 0usize;
    for _ in 0..4 {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        length = length << 7 | usize::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let content = rest.get(..length.min(rest.len()))?;
    Some((tag, content, &rest[content.len()..]))
}
