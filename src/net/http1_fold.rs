//! Header lines that go on in the next line (RFC 9112, section 5.2): old servers fold them, and what they mean is one
//! line with a space where it was folded.
//!
//! Pure. Invariant: a head is as long as it was.

/// Whether a line of a head goes on in the next one, and whether the head is all there.
pub(super) fn folded(bytes: &[u8]) -> Option<bool> {
    let end = end_of_head(bytes);
    let head = &bytes[..end.unwrap_or(bytes.len())];
    let first = head.iter().position(|byte| *byte == b'\n')?;
    // A line that goes on is one of a header: there must have been one.
    let lines = head[first + 1..].windows(2);
    let is_folded = lines
        .clone()
        .any(|pair| pair[0] == b'\n' && is_space(pair[1]));
    is_folded.then_some(end.is_some())
}

/// Unfolds the lines of a whole head where they stand: what is left over becomes spaces at the end of the line, which
/// are no part of a value.
pub(super) fn unfold(bytes: &mut [u8]) {
    let Some(end) = end_of_head(bytes) else {
        return;
    };
    let mut line = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(first) => first + 1,
        None => return,
    };
    while line < end {
        let next = next_line(&bytes[..end], line);
        let text = &bytes[line..next];
        // A line that does not go on stays as it is, whatever it ends with.
        if text.iter().filter(|byte| **byte == b'\n').count() < 2 {
            line = next;
            continue;
        }
        let mut unfolded: Vec<u8> = Vec::with_capacity(text.len());
        for (number, part) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
            match number {
                0 => unfolded.extend_from_slice(trimmed(part).1),
                _ => {
                    unfolded.push(b' ');
                    unfolded.extend_from_slice(trimmed(part).0);
                }
            }
        }
        let room = next - line - 2;
        unfolded.resize(room, b' ');
        unfolded.extend_from_slice(b"\r\n");
        bytes[line..next].copy_from_slice(&unfolded);
        line = next;
    }
}

/// A line without its end and without spaces on both sides, and with those before it. What else stands there
/// is wrong in any line, folded or not.
fn trimmed(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let last = line.iter().rposition(|byte| !is_space(*byte));
    let line = &line[..last.map_or(0, |last| last + 1)];
    let first = line.iter().position(|byte| !is_space(*byte));
    (&line[first.unwrap_or(line.len())..], line)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Where the line after those that go on begins.
fn next_line(head: &[u8], mut at: usize) -> usize {
    loop {
        let Some(end) = head[at..].iter().position(|byte| *byte == b'\n') else {
            return head.len();
        };
        at += end + 1;
        if !head.get(at).copied().is_some_and(is_space) {
            return at;
        }
    }
}

/// Where the empty line after a head begins.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let lines = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    lines
        .map(|(at, _)| at + 1)
        .find(|at| bytes[*at..].starts_with(b"\r\n") || bytes[*at..].starts_with(b"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_line_is_one_line_of_the_same_length() {
        for (head, unfolded) in [
            (
                "HTTP/1.1 200 OK\r\nX: one;\r\n two\r\nY: z\r\n\r\nbody",
                "HTTP/1.1 200 OK\r\nX: one; two  \r\nY: z\r\n\r\nbody",
            ),
            (
                "HTTP/1.1 200 OK\r\nX: a\r\n\t b \r\n  c\r\n\r\n",
                "HTTP/1.1 200 OK\r\nX: a b c       \r\n\r\n",
            ),
            (
                "HTTP/1.1 200 OK\nX: a\n b\n\n",
                "HTTP/1.1 200 OK\nX: a b\r\n\n",
            ),
            (
                "HTTP/1.1 200 OK\nContent-Length: 10\nX: a\n b\nY: z\n\n",
                "HTTP/1.1 200 OK\nContent-Length: 10\nX: a b\r\nY: z\n\n",
            ),
        ] {
            assert_eq!(folded(head.as_bytes()), Some(true), "{head}");
            let mut bytes = head.as_bytes().to_vec();
            unfold(&mut bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), unfolded);
        }
        let mut stray = b"HTTP/1.1 200 OK\r\nX: a\r\r\n b\r\n\r\n".to_vec();
        unfold(&mut stray);
        assert!(
            stray.starts_with(b"HTTP/1.1 200 OK\r\nX: a\r b "),
            "it is as wrong as in one line"
        );
        let open = b"HTTP/1.1 200 OK\r\nX: one;\r\n two\r\n";
        assert_eq!(folded(open), Some(false), "more may come");
        assert_eq!(folded(b"HTTP/1.1 200 OK\r\nX: y\r\n\r\n body"), None);
        assert_eq!(folded(b"HTTP/1.1 200 OK\r\n X: y\r\n\r\n"), None);
    }

    proptest::proptest! {
        #[test]
        fn what_does_not_go_on_stays(lines in proptest::collection::vec("[a-z]{1,3}(: ?[a-z]{0,3})?", 1..6), ends in proptest::collection::vec(proptest::bool::ANY, 6), at in 0_usize..6) {
            let end = |number: usize| if ends[number % ends.len()] { "\r\n" } else { "\n" };
            let mut head = String::from("HTTP/1.1 200 OK\r\n");
            for (number, line) in lines.iter().enumerate() {
                head.push_str(line);
                head.push_str(end(number));
                if number == at {
                    head.push_str(&format!(" more{}", end(number)));
                }
            }
            head.push_str("\r\n");
            let mut bytes = head.clone().into_bytes();
            unfold(&mut bytes);
            let unfolded = String::from_utf8(bytes).unwrap();
            proptest::prop_assert_eq!(unfolded.len(), head.len());
            for (number, line) in lines.iter().enumerate() {
                let goes_on = number == at;
                let wanted = if goes_on { format!("{} more", line.trim_end()) } else { line.clone() };
                let found = unfolded.lines().any(|one| one.trim_end() == wanted.trim_end());
                proptest::prop_assert!(found, "{} is not in {:?}", wanted, unfolded);
            }
        }
    }
}
