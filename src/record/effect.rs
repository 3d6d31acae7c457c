//! A row of the outbox: an effect to be, on its way, or settled; and the keys that make repeats
//! harmless.

use super::target::Target;

/// An effect to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    /// Unique over all time: what makes a repeated delivery harmless.
    pub key: String,
    /// The gate that it belongs to.
    pub gate_id: Option<i64>,
    /// The effect that must be settled before it.
    pub after_key: Option<String>,
    /// The chain that it is the newest link of, if it is in one.
    pub chain: Option<Chain>,
    /// What delivers it.
    pub target: Target,
    /// What is delivered, as JSON; holds no secret.
    pub body: String,
}

/// Effects that leave one after the other, in the order of their commits: what one channel is told of one
/// incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The same for all links.
    pub name: String,
    /// Whether it says nothing any more once a later link follows: then it does not leave, unless an
    /// attempt was begun.
    pub is_passing: bool,
}

/// A committed effect.
#[derive(Debug, Clone)]
pub struct Effect {
    /// Row number.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// The gate that it belongs to.
    pub gate_id: Option<i64>,
    /// What delivers it.
    pub target: Target,
    /// What is delivered.
    pub body: String,
    /// How far it is.
    pub state: EffectState,
    /// Attempts that were started.
    pub attempts: u32,
    /// When the next one is due.
    pub next_ms: i64,
    /// When it was committed.
    pub created_ms: i64,
    /// When it was settled.
    pub settled_ms: Option<i64>,
    /// What came back last.
    pub result: String,
}

/// How far an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EffectState {
    /// It waits for its next attempt, or one is on its way.
    Pending,
    /// It is withdrawn, while its last attempt is still on its way.
    Withdrawn,
    /// It is delivered.
    Delivered,
    /// No other attempt is made.
    GivenUp,
}

impl EffectState {
    /// All of them.
    pub const ALL: [EffectState; 4] = [
        EffectState::Pending,
        EffectState::Withdrawn,
        EffectState::Delivered,
        EffectState::GivenUp,
    ];

    /// Its word, as it is kept and shown.
    pub fn word(self) -> &'static str {
        match self {
            EffectState::Pending => "pending",
            EffectState::Withdrawn => "withdrawn",
            EffectState::Delivered => "delivered",
            EffectState::GivenUp => "given_up",
        }
    }

    /// Whether nothing more happens to it.
    pub fn is_settled(self) -> bool {
        matches!(self, EffectState::Delivered | EffectState::GivenUp)
    }

    /// The state of a word that was kept.
    pub fn of(word: &str) -> Option<EffectState> {
        EffectState::ALL
            .into_iter()
            .find(|state| state.word() == word)
    }
}

/// What has become of a link of a chain that nobody needs any more.
pub const OVERTAKEN: &str = "overtaken by what is told after it";

/// The result of an attempt that died of a fault of our own: what it did is not known either.
pub const DIED: &str = "its attempt died of a fault of Bellwether itself";

/// The result of an attempt that a stop has cut off: what it did is not known.
pub const CUT_OFF: &str = "it was cut off by a stop of the daemon";

impl Effect {
    /// Whether its last attempt was cut off by a stop, or died.
    pub fn was_cut_off(&self) -> bool {
        self.result == CUT_OFF || self.result == DIED
    }

    /// What came of it so far, in words.
    pub fn came_to(&self) -> &str {
        match (self.result.as_str(), self.attempts) {
            ("", 0) => "it was not begun in time",
            ("", _) => "its attempt did not come back in time, and may still have an effect",
            (result, _) => result,
        }
    }

    /// Takes it back. One that is on its way at this moment is not called back, but made the last
    /// attempt.
    pub fn withdraw(&mut self, why: &str) {
        if self.is_on_its_way() {
            self.state = EffectState::Withdrawn;
        } else {
            self.state = EffectState::GivenUp;
            self.result = format!("withdrawn: {why}");
        }
    }

    /// An attempt has come back with `result`, after which it would be `state`, and next due at
    /// `next_ms`. One that was withdrawn meanwhile is not tried again.
    pub fn attempt_ended(&mut self, state: EffectState, result: &str, next_ms: i64, now_ms: i64) {
        let withdrawn = self.state == EffectState::Withdrawn;
        self.next_ms = next_ms;
        self.result = match (withdrawn, state) {
            (true, EffectState::Delivered) | (false, _) => result.to_owned(),
            (true, _) => format!("withdrawn: {result}"),
        };
        self.state = match (withdrawn, state) {
            (true, EffectState::Pending) => EffectState::GivenUp,
            _ => state,
        };
        self.settled_ms = (withdrawn || state != EffectState::Pending).then_some(now_ms);
    }

    /// The process that made its attempt is gone: it is on its way no more.
    pub fn cut_off(&mut self, now_ms: i64) {
        if self.state == EffectState::Withdrawn {
            self.state = EffectState::GivenUp;
            self.result = format!("withdrawn: {CUT_OFF}");
            self.settled_ms = Some(now_ms);
        } else {
            self.result = CUT_OFF.to_owned();
        }
    }

    /// Whether an attempt of this process has begun and not come back yet.
    pub fn is_on_its_way(&self) -> bool {
        !self.state.is_settled() && self.attempts > 0 && self.result.is_empty()
    }
}

/// A name as part of a key: a webhook id must not hold a dot, and different names stay different.
pub fn key_part(name: &str) -> String {
    let mut part = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() || c == '-' {
            part.push(c);
        } else {
            part.push_str(&format!("_{:x}_", u32::from(c)));
        }
    }
    part
}
