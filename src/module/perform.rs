//! One look at a target, in its time.

use super::seen::Seen;
use super::settings::{Module, Modules, Prober};
use super::{dns, grpc, http, icmp, reach, tcp};
use std::time::{Duration, Instant};

/// Time for a look where neither the module nor whoever asks says anything.
const TIMEOUT: Duration = Duration::from_secs(120);
/// What is left of the asker's time for our answer to get there.
const OFFSET: Duration = Duration::from_millis(500);

/// How long a look may take: what its module says, and never longer than whoever asks waits.
pub fn time_for(module: Option<Duration>, asker: Option<Duration>) -> Duration {
    let asker = asker.filter(|it| !it.is_zero()).map(|it| it.min(TIMEOUT));
    let left = asker.map(|it| it.checked_sub(OFFSET).unwrap_or(it));
    let both = [module, left].into_iter().flatten();
    both.min().unwrap_or(TIMEOUT)
}

/// Looks at a target. `hostname` is asked for instead of the target's own name; where there are `bounds`,
/// redirects lead nowhere else. Whether it went well stands in `probe_success`.
pub async fn perform(
    module: &Module,
    target: &str,
    hostname: Option<&str>,
    bounds: Option<&Modules>,
    time: Duration,
) -> Seen {
    let begun = Instant::now();
    let deadline = begun + time;
    let mut seen = Seen::default();
    seen.set(reach::LOOKED_UP, 0.0);
    let result = match &module.prober {
        Prober::Http(settings) => {
            Box::pin(http::look(
                settings,
                target,
                (hostname, bounds),
                deadline,
                &mut seen,
            ))
            .await
        }
        Prober::Tcp(settings) => tcp::look(settings, target, deadline, &mut seen).await,
        Prober::Dns(settings) => dns::look(settings, target, deadline, &mut seen).await,
        Prober::Icmp(settings) => icmp::look(settings, target, deadline, &mut seen).await,
        Prober::Grpc(settings) => Box::pin(grpc::look(settings, target, deadline, &mut seen)).await,
    };
    let went_well = match result {
        Ok(()) => true,
        Err(fault) => {
            if let Some(facts) = &fault.refused {
                seen.tls(facts);
            }
            seen.note(format!("{}: {}", fault.class.word(), fault.detail));
            false
        }
    };
    seen.ended(went_well, begun.elapsed(), time);
    seen
}
