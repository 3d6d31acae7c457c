//! The future that a trait object gives: what a shell does behind a small interface, so that a
//! simulated world can do it instead.

use std::future::Future;
use std::pin::Pin;

/// A future that may move between threads.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
