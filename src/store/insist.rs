//! What cannot be read or written now is no answer: it is tried again.

use super::fault::StoreFault;
use std::time::Duration;

/// A disk that is full is not emptied any faster by asking it.
const PAUSE: Duration = Duration::from_secs(2);

/// Does something with the state until it succeeds. `what` says in the log what could not be done.
/// What cannot be understood will not be any better the next time: that fault is given back.
pub async fn insist<T, F>(what: &str, mut attempt: impl FnMut() -> F) -> Result<T, StoreFault>
where
    F: Future<Output = Result<T, StoreFault>>,
{
    loop {
        match attempt().await {
            Err(fault @ StoreFault::Unreadable(_)) => {
                tracing::error!(what, %fault, "A part of the state is passed over");
                return Err(fault);
            }
            Ok(result) => return Ok(result),
            Err(fault) => {
                tracing::error!(what, %fault, "The state cannot be used; trying again in 2 s");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
