//! A module that asks for an echo.

use super::reach;
use super::seen::{Gauge, Seen};
use super::settings::Icmp;
use crate::net::{Fault, echo};
use std::time::Instant;

const DURATION: Gauge = Gauge(
    "probe_icmp_duration_seconds",
    "How long the phases of the echo took.",
);

/// Looks at a target.
///
/// # Errors
///
/// Why it did not go well.
pub async fn look(
    settings: &Icmp,
    target: &str,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<(), Fault> {
    for phase in ["resolve", "setup", "rtt"] {
        seen.put(DURATION, &[("phase", phase)], 0.0);
    }
    let begun = Instant::now();
    let address = reach::resolve(target, settings.family, deadline, seen).await?;
    seen.put(
        DURATION,
        &[("phase", "resolve")],
        begun.elapsed().as_secs_f64(),
    );
    let echo = echo::echo(address, settings.payload, deadline).await?;
    for (phase, time) in [("setup", echo.setup), ("rtt", echo.round_trip)] {
        seen.put(DURATION, &[("phase", phase)], time.as_secs_f64());
    }
    Ok(())
}
