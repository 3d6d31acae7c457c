//! Running loads over HTTP: what they do now, and telling them to pause, go on, scale or stop.

use super::problem::Problem;
use crate::load::live::{Live, LoadState};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What a running load can be told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "order")]
pub enum Order {
    /// Start nothing new until told to go on.
    Pause,
    /// Go on.
    Resume,
    /// Multiply the planned rates and numbers of virtual users.
    Scale {
        /// With this; 1 is as planned.
        factor: f64,
    },
    /// Let running iterations finish, then end.
    Stop,
}

/// Tells a load; the answer is its state.
pub fn tell(live: &Live, id: u64, order: Order) -> Result<LoadState, Problem> {
    let unknown = || Problem::new(StatusCode::NOT_FOUND, format!("no load {id} is running"));
    let state = || live.list().into_iter().find(|state| state.id == id);
    let before = state().ok_or_else(unknown)?;
    let control = live.control(id).ok_or_else(unknown)?;
    match order {
        Order::Pause => control.pause(Instant::now()),
        Order::Resume => control.resume(Instant::now()),
        Order::Scale { factor } => {
            let scales = crate::load::control::SCALES;
            if !scales.contains(&factor) {
                let (low, high) = (scales.start(), scales.end());
                return Err(Problem::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    format!("a load is scaled by a factor from {low} to {high}, not by {factor}"),
                ));
            }
            if !control.scale(factor) {
                return Err(Problem::new(
                    StatusCode::CONFLICT,
                    "this load has neither a rate nor a constant number of virtual users to scale",
                ));
            }
        }
        Order::Stop => control.stop(),
    }
    // A load that ends in this very moment was told all the same.
    Ok(state().unwrap_or(LoadState {
        stopping: true,
        ..before
    }))
}
