//! Simulated services: requests with their latency, healthy and bad, independent and not.

pub mod gates;

use bellwether::objective::slot::{ArmSlot, Count, Slot};

/// Requests a second in each arm.
pub const RATE: f64 = 20.0;
/// Length of a gate.
pub const SECONDS: f64 = 120.0;
/// The limit of the 95th percentile.
pub const LIMIT_MS: f64 = 300.0;

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Seconds from the start.
    pub at: f64,
    /// Latency in milliseconds.
    pub millis: f64,
    /// Whether it succeeded.
    pub ok: bool,
}

/// How a service behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Independent requests, 3 % over the limit, 0.3 % errors.
    Healthy,
    /// Independent requests, exactly at both limits.
    AtLimit,
    /// Pauses of half a second to a second in which most requests are slow; 3.4 % in all.
    Bursts,
    /// Pauses of one to two seconds, fewer of them; 3.9 % in all.
    LongBursts,
    /// Short pauses so frequent that the service is exactly at its limit.
    BurstsAtLimit,
    /// Latency wanders with a memory of three seconds; 3 % over the limit.
    Autocorrelated,
    /// The same, exactly at its limit.
    AutoAtLimit,
    /// The same with 8 % over the limit.
    SlowAuto,
    /// Two modes: 80 ms and 230 ms; 3 % over the limit.
    Bimodal,
    /// Four times as slow at first, decaying over four seconds; then healthy.
    ColdStart,
    /// Slower from the middle on, yet within its limit.
    LateShift,
    /// 8 % over the limit.
    Slow,
    /// Short pauses so frequent that the service is exactly at the end of the indifference zone: 7.5 %.
    BurstsAtBound,
    /// 8 % over the limit, in pauses.
    SlowBursts,
    /// 4 % errors, answered fast.
    Failing,
    /// Healthy for half of the time, then 15 % over the limit.
    LateOnset,
    /// Every request fails.
    Dead,
}

impl Kind {
    /// All of them, healthy ones first.
    pub const ALL: [Kind; 17] = [
        Kind::Healthy,
        Kind::AtLimit,
        Kind::Bursts,
        Kind::LongBursts,
        Kind::BurstsAtLimit,
        Kind::Autocorrelated,
        Kind::AutoAtLimit,
        Kind::Bimodal,
        Kind::ColdStart,
        Kind::LateShift,
        Kind::Slow,
        Kind::SlowAuto,
        Kind::BurstsAtBound,
        Kind::SlowBursts,
        Kind::Failing,
        Kind::LateOnset,
        Kind::Dead,
    ];

    /// What it is called in a table.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Healthy => "healthy, independent",
            Kind::AtLimit => "exactly at its limits",
            Kind::Bursts => "healthy, bursts",
            Kind::LongBursts => "healthy, long bursts",
            Kind::BurstsAtLimit => "bursts, exactly at its limit",
            Kind::Autocorrelated => "healthy, autocorrelated",
            Kind::AutoAtLimit => "autocorrelated, exactly at limit",
            Kind::SlowAuto => "BAD: 8 % over, autocorrelated",
            Kind::Bimodal => "healthy, bimodal",
            Kind::ColdStart => "healthy, cold start",
            Kind::LateShift => "healthy, a little slower later",
            Kind::Slow => "BAD: 8 % over the limit",
            Kind::BurstsAtBound => "BAD: 1.5 times its limit, bursts",
            Kind::SlowBursts => "BAD: 8 % over the limit, in bursts",
            Kind::Failing => "BAD: 4 % errors",
            Kind::LateOnset => "BAD: 15 % over, after 60 s",
            Kind::Dead => "BAD: dead",
        }
    }

    /// Whether a rollback is wrong.
    pub fn is_healthy(self) -> bool {
        !matches!(
            self,
            Kind::Slow
                | Kind::SlowAuto
                | Kind::BurstsAtBound
                | Kind::SlowBursts
                | Kind::Failing
                | Kind::LateOnset
                | Kind::Dead
        )
    }

    /// What runs beside it.
    pub fn baseline(self) -> Kind {
        match self {
            Kind::Slow | Kind::Failing | Kind::LateOnset | Kind::Dead => Kind::Healthy,
            Kind::BurstsAtBound | Kind::SlowBursts => Kind::Bursts,
            Kind::SlowAuto => Kind::Autocorrelated,
            healthy => healthy,
        }
    }
}

fn normal(chance: &mut fastrand::Rng) -> f64 {
    let radius = (-2.0 * chance.f64().max(1e-300).ln()).sqrt();
    radius * (std::f64::consts::TAU * chance.f64()).cos()
}

/// The point of the standard normal distribution that a share lies above.
fn point_above(share: f64) -> f64 {
    let (mut low, mut high) = (-8.0_f64, 8.0_f64);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if 0.5 * libm::erfc(middle / std::f64::consts::SQRT_2) > share {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

const WIDTH: f64 = 0.5;

/// Seconds in which the service pauses: on average one pause in `every`, of once to twice the shortest.
fn pauses(chance: &mut fastrand::Rng, every: f64, shortest: f64) -> Vec<(f64, f64)> {
    let (mut at, mut pauses) = (0.0, Vec::new());
    loop {
        at += -every * (1.0 - chance.f64()).ln();
        if at > SECONDS {
            return pauses;
        }
        let length = shortest * (1.0 + chance.f64());
        pauses.push((at, at + length));
        at += length;
    }
}

/// The requests of one arm, those that fail answered fast.
pub fn stream(kind: Kind, seed: u64) -> Vec<Request> {
    let mut chance =
        fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ kind as u64);
    let every = match kind {
        Kind::Bursts => 17.0,
        Kind::LongBursts => 30.0,
        Kind::BurstsAtLimit => 11.0,
        Kind::BurstsAtBound => 6.27,
        Kind::SlowBursts => 5.3,
        _ => f64::INFINITY,
    };
    let pauses = if every.is_finite() {
        pauses(
            &mut chance,
            every,
            if kind == Kind::LongBursts { 1.0 } else { 0.5 },
        )
    } else {
        Vec::new()
    };
    // The share of slow requests in one state and in the other.
    let (share, other) = match kind {
        // With the failed ones, 5 % are over the limit.
        Kind::AtLimit => ((0.05 - 0.01) / 0.99, 0.0),
        Kind::Bursts
        | Kind::LongBursts
        | Kind::BurstsAtLimit
        | Kind::BurstsAtBound
        | Kind::SlowBursts => (0.01, 0.6),
        Kind::LateShift => (0.02, 0.043),
        Kind::Slow | Kind::SlowAuto => (0.08, 0.0),
        Kind::AutoAtLimit => (0.048, 0.0),
        Kind::LateOnset => (0.03, 0.15),
        Kind::Bimodal => (0.1, 0.0),
        _ => (0.03, 0.0),
    };
    let points = [share, other].map(point_above);
    let failing = match kind {
        Kind::AtLimit => 0.01,
        Kind::Failing => 0.04,
        Kind::Dead => 1.0,
        _ => 0.002,
    };
    let memory = (-1.0 / (RATE * 3.0)).exp();
    let mut wandering = normal(&mut chance);
    (0..(RATE * SECONDS) as usize)
        .map(|number| {
            let at = (number as f64 + chance.f64()) / RATE;
            let mut score = normal(&mut chance);
            wandering = memory * wandering + (1.0 - memory * memory).sqrt() * normal(&mut chance);
            let point = match kind {
                Kind::LateShift | Kind::LateOnset => points[usize::from(at >= SECONDS / 2.0)],
                _ => {
                    let paused = pauses.iter().any(|(from, to)| (*from..*to).contains(&at));
                    points[usize::from(paused)]
                }
            };
            if matches!(
                kind,
                Kind::Autocorrelated | Kind::AutoAtLimit | Kind::SlowAuto
            ) {
                // A third of the variance of its logarithm wanders.
                score = (2.0_f64 / 3.0).sqrt() * score + (1.0_f64 / 3.0).sqrt() * wandering;
            }
            let mut millis = LIMIT_MS * (WIDTH * (score - point)).exp();
            if kind == Kind::ColdStart {
                millis *= 1.0 + 3.0 * (-at / 4.0).exp();
            }
            if kind == Kind::Bimodal && chance.f64() < 0.7 {
                millis = 80.0;
            }
            let ok = chance.f64() >= failing;
            Request {
                at,
                millis: if ok { millis } else { 5.0 },
                ok,
            }
        })
        .collect()
}

/// The requests of both arms as slots of evidence, for `p95 < 300ms` and an error rate.
pub fn slots(candidate: &[Request], baseline: &[Request]) -> Vec<Slot> {
    let mut slots = vec![Slot::new(2); (SECONDS * 4.0) as usize];
    let mut put = |requests: &[Request], arm: fn(&mut Slot) -> &mut ArmSlot| {
        for request in requests {
            let at = ((request.at * 4.0) as usize).min(slots.len() - 1);
            let counts = arm(&mut slots[at]);
            let failed = u64::from(!request.ok);
            let slow = u64::from(!request.ok || request.millis > LIMIT_MS);
            counts.all.add(Count {
                requests: 1,
                bad: failed,
            });
            counts.objectives[0].add(Count {
                requests: 1,
                bad: slow,
            });
            counts.objectives[1].add(Count {
                requests: 1,
                bad: failed,
            });
        }
    };
    put(candidate, |slot| &mut slot.candidate);
    put(baseline, |slot| &mut slot.baseline);
    slots
}
