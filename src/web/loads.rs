//! Running loads over HTTP: what they do now, and telling them to pause, go on, scale or stop.

use super::problem::Problem;
use crate::load::control::{Control, SCALES};
use crate::load::live::{Live, LoadState};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// What a running load can be told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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
    let told = live.tell(id, |control| {
        match order {
            Order::Pause => control.pause(Instant::now()),
            Order::Resume => control.resume(Instant::now()),
            Order::Scale { factor } => return scale(control, factor),
            Order::Stop => control.stop(),
        }
        Ok(())
    });
    let (done, state) = told
        .ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, format!("no load {id} is running")))?;
    done.map(|()| state)
}

fn scale(control: &Control, factor: f64) -> Result<(), Problem> {
    if !SCALES.contains(&factor) {
        let (low, high) = (SCALES.start(), SCALES.end());
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
    Ok(())
}
