//! The little of DER (ITU-T X.690) that keys are written in: one element after the other, with its tag and its length.
//!
//! Pure. Knows no meaning of what it reads. Invariant: what is not whole is not read at all.

/// Tags of elements.
pub const INTEGER: u8 = 0x02;
/// A string of bits.
pub const BITS: u8 = 0x03;
/// A string of bytes.
pub const BYTES: u8 = 0x04;
/// The name of something.
pub const OBJECT: u8 = 0x06;
/// Elements in a row.
pub const SEQUENCE: u8 = 0x30;

/// Elements that are read one by one.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next element, whatever its tag is.
    pub fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, mut rest) = rest.split_first()?;
        let length = match first {
            0..=0x7f => usize::from(first),
            0x81..=0x84 => {
                let digits = rest.get(..usize::from(first & 0x7f))?;
                rest = &rest[digits.len()..];
                digits
                    .iter()
                    .fold(0, |all, &digit| all << 8 | usize::from(digit))
            }
            // Of no end, or longer than any key.
            _ => return None,
        };
        let content = rest.get(..length)?;
        self.0 = &rest[length..];
        Some((tag, content))
    }

    /// The content of the next element, which must have a tag.
    pub fn next(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (found, content) = self.any()?;
        (found == tag).then_some(content)
    }

    /// The next element, which must be a row of them.
    pub fn row(&mut self) -> Option<Reader<'a>> {
        self.next(SEQUENCE).map(Reader)
    }

    /// A number that is not negative, without zeros before it.
    pub fn number(&mut self) -> Option<&'a [u8]> {
        let digits = self.next(INTEGER)?;
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        Some(&digits[zeros.min(digits.len().saturating_sub(1))..])
    }

    /// A string of bits that are whole bytes.
    pub fn bits(&mut self) -> Option<&'a [u8]> {
        self.next(BITS)?.strip_prefix(&[0])
    }
}

/// An element of a tag that holds others.
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut all = vec![tag];
    if length < 0x80 {
        all.extend(u8::try_from(length));
    } else {
        let digits = length.to_be_bytes();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        all.extend(u8::try_from(digits.len() - zeros).map(|count| 0x80 | count));
        all.extend(&digits[zeros..]);
    }
    parts.iter().for_each(|part| all.extend(*part));
    all
}

/// A number that is not negative.
pub fn number(digits: &[u8]) -> Vec<u8> {
    let zeros = digits.iter().take_while(|digit| **digit == 0).count();
    let digits = &digits[zeros..];
    match digits.first() {
        Some(first) if *first < 0x80 => element(INTEGER, &[digits]),
        // A first bit of one would make it negative.
        _ => element(INTEGER, &[&[0], digits]),
    }
}

/// A string of bits that are whole bytes.
pub fn bits(bytes: &[u8]) -> Vec<u8> {
    element(BITS, &[&[0], bytes])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(digits in proptest::collection::vec(any::<u8>(), 0..700)) {
            let written = element(SEQUENCE, &[&number(&digits), &bits(&digits)]);
            let mut row = Reader(&written).row().unwrap();
            let zeros = digits.iter().take_while(|digit| **digit == 0).count();
            let wanted = if zeros == digits.len() { &[0][..] } else { &digits[zeros..] };
            prop_assert_eq!(row.number().unwrap(), wanted);
            prop_assert_eq!(row.bits().unwrap(), &digits[..]);
            prop_assert!(row.any().is_none());
        }

        #[test]
        fn whatever_comes_is_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut reader = Reader(&bytes);
            while let Some((_, content)) = reader.any() {
                prop_assert!(content.len() < bytes.len());
            }
        }
    }
}
