//! Names looked up for many at once: who asks for a name that is being asked for waits for the same answer.
//!
//! The machine's resolver blocks a thread for each question, for many seconds where no name server answers.
//! One question for each name at a time, and only so many in all, leave the other threads to others. An answer
//! is not kept: whoever asks after it came asks anew. To be used from one runtime that outlives its users.

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// Questions at once: a quarter of the threads that block.
const AT_ONCE: usize = 128;

type Answer = Result<Arc<[IpAddr]>, Arc<str>>;
type Asking = Shared<BoxFuture<'static, Answer>>;

static ASKING: LazyLock<Mutex<HashMap<String, Asking>>> = LazyLock::new(Mutex::default);
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

fn asking() -> MutexGuard<'static, HashMap<String, Asking>> {
    ASKING.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn ask(host: &str) -> Answer {
    // The semaphore is never closed.
    let _place = PLACES.acquire().await;
    match tokio::net::lookup_host((host, 0)).await {
        Ok(found) => Ok(found.map(|address| address.ip()).collect()),
        Err(error) => Err(error.to_string().into()),
    }
}

/// The addresses of a name.
///
/// # Errors
///
/// What the resolver said.
pub async fn shared(host: &str) -> Answer {
    let asked = {
        let mut asking = asking();
        match asking.get(host) {
            Some(asked) => asked.clone(),
            None => {
                let name = host.to_owned();
                let task = tokio::spawn(async move {
                    let answer = ask(&name).await;
                    self::asking().remove(&name);
                    answer
                });
                let answer = async move {
                    match task.await {
                        Ok(answer) => answer,
                        Err(died) => Err(died.to_string().into()),
                    }
                };
                let asked = answer.boxed().shared();
                asking.insert(host.to_owned(), asked.clone());
                asked
            }
        }
    };
    asked.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_asked_for_once_at_a_time_and_anew_later() {
        let both = tokio::join!(shared("localhost"), shared("localhost"));
        assert!(both.0.unwrap().iter().all(IpAddr::is_loopback));
        assert!(both.1.is_ok());
        assert!(asking().get("localhost").is_none(), "nothing is kept");
        assert!(shared("does-not-exist.invalid").await.is_err());
    }
}
