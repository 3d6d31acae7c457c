//! Texts of a script as ours. What a script calls text may hold half of a letter that needs two units (a surrogate that
//! stands alone, as `slice` leaves it behind); on the web, and here, the mark for an unknown letter stands for it.
//!
//! Invariant: every text of a script is one of ours; none is refused.

use rquickjs::function::This;
use rquickjs::{Coerced, Ctx, FromJs, Function, Result, Value};
use std::ops::Deref;

/// A text of a script.
pub(super) struct Letters(pub String);

impl Deref for Letters {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'js> FromJs<'js> for Letters {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> Result<Letters> {
        match value.as_string() {
            Some(text) => of(text).map(Letters),
            None => Coerced::<String>::from_js(ctx, value).map(|text| Letters(text.0)),
        }
    }
}

/// A text of a script as ours.
pub(super) fn of(text: &rquickjs::String<'_>) -> Result<String> {
    if let Ok(whole) = text.to_string() {
        return Ok(whole);
    }
    // Seldom, so that the interpreter may mend it by its own means.
    let value = text.as_value().clone();
    let prototype = value
        .ctx()
        .globals()
        .get::<_, rquickjs::Object<'_>>("String")?;
    let prototype: rquickjs::Object<'_> = prototype.get("prototype")?;
    let mend: Function<'_> = prototype.get("toWellFormed")?;
    mend.call((This(value),))
}
