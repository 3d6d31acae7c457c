//! One question to a server of time (RFC 5905, a client's mode 3), and how far its clock is from ours.
//!
//! What is asked and what the answer says is pure; asking is a datagram there and back. Does not resolve names, and sets no clock.

use super::datagram::Datagrams;
use super::fault::Fault;
use std::net::SocketAddr;
use std::time::Instant;

/// Bytes of a packet without extensions.
const PACKET: usize = 48;
/// Seconds from 1900, where NTP counts from, to 1970.
const TO_1970: f64 = 2_208_988_800.0;
/// Seconds until its count begins anew (2036).
const ERA: f64 = 4_294_967_296.0;

/// What a server of time answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Milliseconds that its clock is ahead of ours.
    pub offset_ms: f64,
    /// Milliseconds that the way there and back took.
    pub delay_ms: f64,
    /// How far it is from a clock that is right by itself: 1 has one, 16 has none.
    pub stratum: u8,
    /// Whether it says that it knows the time.
    pub is_synchronized: bool,
    /// Why it does not serve us, in its own letters, such as `RATE`.
    pub refusal: Option<String>,
}

/// The packet that asks; `mark` comes back and tells our answer from others.
fn question(mark: u64) -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    // No leap second is known, version 4, a client.
    packet[0] = 0b00_100_011;
    packet[40..].copy_from_slice(&mark.to_be_bytes());
    packet
}

/// A moment of NTP as seconds since 1970, near `now`.
fn seconds(packet: &[u8], now: f64) -> f64 {
    let digits = |from: usize| {
        let bytes = packet.get(from..from + 4).unwrap_or(&[0; 4]);
        bytes
            .iter()
            .fold(0_u32, |all, &byte| all << 8 | u32::from(byte))
    };
    let moment = f64::from(digits(0)) + f64::from(digits(4)) / ERA - TO_1970;
    // Its seconds have 32 bits: which era it is follows from now.
    moment + ((now - moment) / ERA).round() * ERA
}

/// What an answer says that came `there_and_back` seconds after `sent`, which is in seconds since 1970. Nothing if it is
/// no answer to what we asked.
fn understood(packet: &[u8], mark: u64, sent: f64, there_and_back: f64) -> Option<Answer> {
    let is_ours =
        packet.len() >= PACKET && packet[0] & 0b111 == 4 && packet[24..32] == mark.to_be_bytes();
    if !is_ours {
        return None;
    }
    let (received, left) = (
        seconds(&packet[32..40], sent),
        seconds(&packet[40..48], sent),
    );
    let stratum = packet[1];
    let letters = packet[12..16]
        .iter()
        .take_while(|byte| byte.is_ascii_graphic());
    let letters: String = letters.map(|byte| char::from(*byte)).collect();
    // On the wire 0 is a refusal that says why, or the 16 of who is not synchronized (yet, or again: RFC 5905, sections
    // 7.3 and 7.4).
    let refuses = stratum == 0 && !matches!(letters.as_str(), "" | "INIT" | "STEP");
    let stratum = if stratum == 0 && !refuses {
        16
    } else {
        stratum
    };
    Some(Answer {
        // RFC 5905, section 8: half of what is left when the way there is taken from the way back.
        offset_ms: ((received - sent) + (left - sent - there_and_back)) / 2.0 * 1e3,
        delay_ms: (there_and_back - (left - received)).max(0.0) * 1e3,
        stratum,
        is_synchronized: packet[0] >> 6 != 3 && (1..16).contains(&stratum),
        refusal: refuses.then_some(letters),
    })
}

/// Asks a server.
///
/// # Errors
/// No socket, no way there, or no answer in time.
pub async fn ask(address: SocketAddr, mark: u64, deadline: Instant) -> Result<Answer, Fault> {
    let (begun, sent) = (Instant::now(), crate::clock::now_micros());
    let sent = sent as f64 / 1e6;
    let doing = format!("the time of {address}");
    let asked = Datagrams::start(address, &question(mark), doing).await?;
    let mut room = [0; 512];
    loop {
        let packet = asked.next(&mut room, deadline).await?;
        let taken = begun.elapsed().as_secs_f64();
        if let Some(answer) = understood(packet, mark, sent, taken) {
            return Ok(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An answer of a server whose clock is ahead, which took a while to answer.
    fn answer(mark: u64, received: f64, left: f64, head: [u8; 2]) -> Vec<u8> {
        let mut packet = vec![0; PACKET];
        packet[..2].copy_from_slice(&head);
        packet[12..16].copy_from_slice(b"RATE");
        packet[24..32].copy_from_slice(&mark.to_be_bytes());
        for (at, moment) in [(32, received), (40, left)] {
            let moment = (moment + TO_1970) % ERA;
            let whole = (moment.trunc() as u32).to_be_bytes();
            let part = ((moment.fract() * ERA) as u32).to_be_bytes();
            packet[at..at + 4].copy_from_slice(&whole);
            packet[at + 4..at + 8].copy_from_slice(&part);
        }
        packet
    }

    proptest! {
        #[test]
        fn the_difference_of_clocks_is_what_it_is(
            // Up to the year 2096, beyond the first era.
            sent in 1e9..4e9_f64, ahead in -1e3..1e3_f64, way in 0.0..1.0_f64, busy in 0.0..0.5_f64,
        ) {
            let (received, left) = (sent + way + ahead, sent + way + busy + ahead);
            let packet = answer(7, received, left, [0x24, 2]);
            let answer = understood(&packet, 7, sent, 2.0 * way + busy).unwrap();
            prop_assert!((answer.offset_ms - ahead * 1e3).abs() < 0.01, "{answer:?}");
            prop_assert!((answer.delay_ms - 2e3 * way).abs() < 0.01, "{answer:?}");
            prop_assert!(answer.is_synchronized && answer.refusal.is_none());
        }

        #[test]
        fn whatever_comes_is_an_answer_or_none(packet in proptest::collection::vec(any::<u8>(), 0..80)) {
            understood(&packet, 7, 1e9, 0.1);
        }
    }

    #[test]
    fn who_knows_no_time_or_refuses_says_so() {
        let of = |head: [u8; 2]| understood(&answer(7, 1e9, 1e9, head), 7, 1e9, 0.0);
        assert!(!of([0xe4, 2]).unwrap().is_synchronized);
        assert!(!of([0x24, 16]).unwrap().is_synchronized);
        assert_eq!(of([0x24, 0]).unwrap().refusal.as_deref(), Some("RATE"));
        for word in [&[0; 4], b"INIT", b"STEP"] {
            let mut packet = answer(7, 1e9, 1e9, [0xe4, 0]);
            packet[12..16].copy_from_slice(word);
            let answer = understood(&packet, 7, 1e9, 0.0).unwrap();
            assert!(answer.refusal.is_none() && !answer.is_synchronized && answer.stratum == 16);
        }
        // Another client's, a question, one that is cut.
        assert!(understood(&answer(8, 1e9, 1e9, [0x24, 2]), 7, 1e9, 0.0).is_none());
        assert!(of([0x23, 2]).is_none());
        assert!(understood(&answer(7, 1e9, 1e9, [0x24, 2])[..47], 7, 1e9, 0.0).is_none());
        assert_eq!(question(7)[0], 0x23);
    }
}
