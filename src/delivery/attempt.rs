//! What one attempt of a delivery came to: delivered, worth another attempt, or given up.
//!
//! Pure. Does not know who delivers, nor when the next attempt is made.

use crate::limits;
use crate::net::Fault;
use crate::net::reply::Reply;
use std::time::Duration;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whether it is delivered.
    pub delivered: bool,
    /// Whether another attempt makes sense, and how many at the most.
    pub attempts_max: u32,
    /// Whether this message was refused, rather than the whole channel out of reach.
    pub is_refused: bool,
    /// What the other side asked us to wait.
    pub after: Option<Duration>,
    /// What came back.
    pub text: String,
}

/// Attempts after a refusal, which somebody may mend meanwhile: about an hour.
const REFUSED_ATTEMPTS_MAX: u32 = 20;

impl Delivery {
    /// It is delivered.
    pub fn done(text: String) -> Delivery {
        Delivery {
            delivered: true,
            attempts_max: 0,
            is_refused: false,
            after: None,
            text,
        }
    }

    /// Another attempt makes sense.
    pub fn again(text: String, after: Option<Duration>) -> Delivery {
        Delivery {
            delivered: false,
            attempts_max: limits::DELIVERY_ATTEMPTS_MAX,
            is_refused: false,
            after,
            text,
        }
    }

    /// It was refused, which may be mended while we wait.
    pub fn refused(text: String, after: Option<Duration>) -> Delivery {
        Delivery {
            attempts_max: REFUSED_ATTEMPTS_MAX,
            is_refused: true,
            ..Delivery::again(text, after)
        }
    }

    /// The same with so many attempts, whatever came back.
    pub fn at_most(self, attempts: u32) -> Delivery {
        match self.delivered {
            true => self,
            false => Delivery {
                attempts_max: attempts,
                ..self
            },
        }
    }

    /// No other attempt makes sense.
    pub fn give_up(text: String) -> Delivery {
        Delivery {
            delivered: false,
            attempts_max: 0,
            is_refused: false,
            after: None,
            text,
        }
    }
}

/// How an HTTP delivery ended.
pub fn of_reply(whom: &str, result: Result<Reply, Fault>) -> Delivery {
    let reply = match result {
        Ok(reply) => reply,
        Err(fault) => {
            return Delivery::again(
                format!(
                    "{whom} was not reached ({}): {}",
                    fault.class.word(),
                    fault.detail
                ),
                None,
            );
        }
    };
    let status = reply.status.as_u16();
    let said: String = String::from_utf8_lossy(&reply.body)
        .chars()
        .take(4000)
        .collect();
    let text = format!(
        "{whom} answered {status}{}{}",
        if said.trim().is_empty() { "" } else { ": " },
        said.trim()
    );
    let after = reply
        .headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    match status {
        200..=299 => Delivery::done(text),
        410 => Delivery::give_up(text),
        408 | 425 | 429 | 500..=599 => Delivery::again(text, after),
        _ => Delivery::refused(text, after),
    }
}
