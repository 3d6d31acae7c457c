//! A datagram, and the one that answers it. Invariant: what nobody answers was not served.

use super::exchange::Attempt;
use crate::net::connect::micros;
use crate::net::datagram::Datagrams;
use crate::net::{ErrorClass, Fault, Phases};
use crate::scenario::steps::udp::{Datagram, bytes_of};
use crate::vu::reply::Reply;
use crate::vu::user::VirtualUser;
use bytes::Bytes;
use std::net::SocketAddr;
use std::time::Instant;

/// Bytes of a datagram at the most.
const DATAGRAM_MAX: usize = 65_535;

impl VirtualUser {
    pub(super) async fn udp(&self, datagram: &Datagram, deadline: Instant) -> Attempt {
        let mut phases = Phases::default();
        match self.answered(datagram, deadline, &mut phases).await {
            Ok((body, sent)) => Attempt {
                end: Some(Instant::now()),
                bytes_sent: sent as u64,
                bytes_received: body.len() as u64,
                reply: Reply {
                    body,
                    phases,
                    ..Reply::default()
                },
                ..Attempt::default()
            },
            Err(fault) => Attempt::failed(fault, phases),
        }
    }

    async fn answered(
        &self,
        datagram: &Datagram,
        deadline: Instant,
        phases: &mut Phases,
    ) -> Result<(Bytes, usize), Fault> {
        let (host, port) = self.address(&datagram.host, None)?;
        let text = self.render(&datagram.send)?;
        let wrong = || Fault::new(ErrorClass::Template, "what is sent is no hexadecimal");
        let content = match datagram.is_hex {
            true => bytes_of(&text).ok_or_else(wrong)?,
            false => text.into_bytes(),
        };
        let begun = Instant::now();
        let address = self.first_of(&host, port, deadline).await;
        phases.resolve = micros(begun);
        let address = address?;
        let begun = Instant::now();
        let answer = exchange(address, &content, datagram, deadline).await;
        phases.wait = micros(begun);
        answer.map(|body| (body, content.len()))
    }
}

async fn exchange(
    address: SocketAddr,
    content: &[u8],
    datagram: &Datagram,
    deadline: Instant,
) -> Result<Bytes, Fault> {
    let doing = format!("an answer from {address}");
    let asked = Datagrams::start(address, content, doing).await?;
    let mut room = vec![0; DATAGRAM_MAX];
    let mut others = 0_u32;
    loop {
        let content = asked.next(&mut room, deadline).await.map_err(|mut fault| {
            if others > 0 {
                let more = format!("; {others} that did not fit `expect` came");
                fault.detail.push_str(&more);
            }
            fault
        })?;
        let fits = |expect: &regex::bytes::Regex| expect.is_match(content);
        if datagram.expect.as_ref().is_none_or(fits) {
            return Ok(Bytes::copy_from_slice(content));
        }
        others += 1;
    }
}
