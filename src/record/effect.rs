//! A row of the outbox: an effect to be, on its way, or settled; and the keys that make repeats
//! harmless.

/// An effect to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEffect {
    /// Unique over all time: what makes a repeated delivery harmless.
    pub key: String,
    /// The gate that it belongs to.
    pub gate_id: Option<i64>,
    /// The effect that must be settled before it.
    pub after_key: Option<String>,
    /// What delivers it: `action:GATE:VERDICT:NUMBER:KIND`, `github:GATE:KIND`, `channel:NAME`, or, to a
    /// gate that is rolled back together with this one, `partner:GATE`.
    pub target: String,
    /// What is delivered, as JSON; holds no secret.
    pub body: String,
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
    pub target: String,
    /// What is delivered.
    pub body: String,
    /// `pending`, `delivered`, `given_up`, or `withdrawn` while its last attempt is on its way.
    pub state: String,
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

/// The result of an attempt that a stop has cut off: what it did is not known.
pub const CUT_OFF: &str = "it was cut off by a stop of the daemon";

impl Effect {
    /// Whether its last attempt was cut off by a stop.
    pub fn was_cut_off(&self) -> bool {
        self.result == CUT_OFF
    }

    /// What came of it so far, in words.
    pub fn came_to(&self) -> &str {
        match (self.result.as_str(), self.attempts) {
            ("", 0) => "it was not begun in time",
            ("", _) => "its attempt did not come back in time, and may still have an effect",
            (result, _) => result,
        }
    }

    /// Whether an attempt of this process has begun and not come back yet.
    pub fn is_on_its_way(&self) -> bool {
        let is_open = matches!(self.state.as_str(), "pending" | "withdrawn");
        is_open && self.attempts > 0 && self.result.is_empty()
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
