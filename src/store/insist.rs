//! What cannot be read or written now is no answer: it is tried again.

use super::sqlite::StoreFault;
use std::time::Duration;

/// A disk that is full is not emptied any faster by asking it.
const PAUSE: Duration = Duration::from_secs(2);

/// Does something with the state until it succeeds. `what` says in the log what could not be done.
pub async fn insist<T, F>(what: &str, mut attempt: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, StoreFault>>,
{
    loop {
        match attempt().await {
            Ok(result) => return result,
            Err(fault) => {
                tracing::error!(what, %fault, "The state cannot be used; trying again in 2 s");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
