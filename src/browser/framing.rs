//! Messages on a pipe: each ends with one zero byte.
//!
//! Pure: knows bytes, and nothing of what stands in them. Memory is bounded: a message above the limit is
//! passed over up to its end: whoever waits for it has a deadline.

/// Takes messages out of a stream of bytes, however it is cut.
#[derive(Debug)]
pub(super) struct Splitter {
    held: Vec<u8>,
    limit: usize,
    passing_over: bool,
}

impl Splitter {
    /// One that keeps no message above so many bytes.
    pub(super) fn new(limit: usize) -> Splitter {
        Splitter {
            held: Vec::new(),
            limit,
            passing_over: false,
        }
    }

    /// Takes what came, and hands out each message that is whole now.
    pub(super) fn take(&mut self, mut bytes: &[u8], mut each: impl FnMut(&[u8])) {
        while let Some(end) = memchr::memchr(0, bytes) {
            let (rest_of_it, after) = (&bytes[..end], &bytes[end + 1..]);
            self.hold(rest_of_it);
            if !self.passing_over {
                each(&self.held);
            }
            self.passing_over = false;
            self.held.clear();
            // A picture of a tall page must not be room that is held for ever.
            self.held.shrink_to(64 * 1024);
            bytes = after;
        }
        self.hold(bytes);
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() > self.limit {
            self.passing_over = true;
            self.held.clear();
        }
        if !self.passing_over {
            self.held.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(pieces: &[&[u8]], limit: usize) -> Vec<Vec<u8>> {
        let mut splitter = Splitter::new(limit);
        let mut all = Vec::new();
        for piece in pieces {
            splitter.take(piece, |message| all.push(message.to_vec()));
        }
        all
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_the_stream_is_cut(
            messages in prop::collection::vec(prop::collection::vec(1_u8.., 0..40), 0..8),
            cut in 1_usize..12,
        ) {
            let mut stream = Vec::new();
            for message in &messages {
                stream.extend_from_slice(message);
                stream.push(0);
            }
            let pieces: Vec<&[u8]> = stream.chunks(cut).collect();
            let small: Vec<Vec<u8>> = messages.iter().filter(|m| m.len() <= 20).cloned().collect();
            prop_assert_eq!(split(&pieces, 20), small);
        }
    }

    #[test]
    fn what_has_no_end_yet_is_no_message() {
        assert_eq!(split(&[b"{\"id\":1}"], 100), Vec::<Vec<u8>>::new());
    }
}
