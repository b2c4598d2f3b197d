//! Records in a file: four bytes of length, four of checksum, the content.

use std::io;

use flate2::Crc;

/// What stands before the content.
pub(super) const HEAD: usize = 8;

/// Writes a record.
pub(super) fn write(content: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    let too_long = |_| io::Error::other("more than 4 GiB in one record");
    let length = u32::try_from(content.len()).map_err(too_long)?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&checksum(content).to_le_bytes());
    out.extend_from_slice(content);
    Ok(())
}

fn checksum(content: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(content);
    crc.sum()
}

/// How the record at a place reads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One of this many bytes of content, behind its head.
    Record(usize),
    /// None: the file ends here, or what follows is the rest of a write that was cut.
    End,
    /// One that is not as it was written, with more behind it.
    Damaged,
}

/// Looks at the record that begins at `at`.
pub(super) fn at(bytes: &[u8], at: usize) -> Found {
    let rest = bytes.get(at..).unwrap_or_default();
    let Some((head, behind)) = rest.split_first_chunk::<HEAD>() else { return Found::End };
    let (length, expected) = head.split_at(HEAD / 2);
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
    let length = number(length) as usize;
    let Some(content) = behind.get(..length) else { return Found::End };
    if length > 0 && checksum(content) == number(expected) {
        return Found::Record(length);
    }
    // A machine that stopped may leave zeros where it had not written yet.
    let cut = behind.len() == length || rest.iter().all(|byte| *byte == 0);
    if cut { Found::End } else { Found::Damaged }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_record_is_the_end_and_a_changed_one_is_damage() {
        let mut bytes = Vec::new();
        write(b"one", &mut bytes).unwrap();
        write(b"two!", &mut bytes).unwrap();
        assert_eq!(at(&bytes, 0), Found::Record(3));
        assert_eq!(at(&bytes, 11), Found::Record(4));
        assert_eq!(at(&bytes, bytes.len()), Found::End);
        for cut in 11..bytes.len() {
            assert_eq!(at(&bytes[..cut], 11), Found::End, "{cut}");
        }
        let mut zeros = bytes.clone();
        zeros.extend([0; 40]);
        assert_eq!(at(&zeros, bytes.len()), Found::End);
        bytes[9] ^= 1;
        assert_eq!(at(&bytes, 0), Found::Damaged);
        bytes[9] ^= 1;
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(at(&bytes, 11), Found::End);
    }
}
