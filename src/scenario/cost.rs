//! What an expression may cost at most, given the sizes of what a target sent: known before it is
//! evaluated, since an evaluation cannot be interrupted.
//!
//! Pure. A bound, not an estimate: who exceeds it is refused with the reason, and blocks nobody.
//! Does not know what the expression means.

use super::functions;
use cel::IdedExpr;
use cel::common::ast::Expr;

/// Steps of the interpreter, at about a microsecond each.
const STEPS_MAX: f64 = 100_000.0;
/// Elements that are copied, at about a nanosecond each: `map` and `filter` copy what they have so
/// far in each round.
const COPIES_MAX: f64 = 50e6;
/// Bytes of text that are searched.
const SEARCHED_MAX: f64 = 100e6;

/// How the cost of an expression grows with what it looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Growth {
    /// Rounds inside of rounds, at the deepest.
    rounds: i32,
    /// The same, where each round of `map` and `filter` counts twice.
    copies: i32,
    /// Whether text is searched in a round.
    searches: bool,
}

/// Sizes of what an expression looks at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Elements of the largest list or map.
    pub largest: usize,
    /// Bytes of the longest text.
    pub longest: usize,
}

/// How an expression grows.
pub fn growth(expression: &IdedExpr) -> Growth {
    growth_in(expression, &[])
}

/// The same, inside of rounds over `rounds`. What belongs to the element of a round is part of the
/// list that is gone through: all rounds together look at it once.
fn growth_in(expression: &IdedExpr, rounds: &[&str]) -> Growth {
    let all = |parts: &mut dyn Iterator<Item = &IdedExpr>| {
        let of = |part| growth_in(part, rounds);
        parts.map(of).fold(Growth::default(), Growth::or)
    };
    match &expression.expr {
        Expr::Call(call) => {
            let inside = all(&mut call.args.iter().chain(call.target.as_deref()));
            let is_whole = |part: &IdedExpr| !is_literal(part) && !belongs(part, rounds);
            let looked_through = match call.func_name.as_str() {
                "@in" => call.args.last().is_some_and(is_whole),
                "_==_" | "_!=_" => call.args.iter().all(is_whole),
                _ => false,
            };
            let searched = call.target.as_deref().or(call.args.first());
            Growth {
                rounds: inside.rounds + i32::from(looked_through),
                copies: inside.copies + i32::from(looked_through),
                searches: inside.searches
                    || searches(&call.func_name) && searched.is_some_and(is_whole),
            }
        }
        Expr::Comprehension(round) => {
            let builds = matches!(round.accu_init.expr, Expr::List(_) | Expr::Map(_));
            let mut within = rounds.to_vec();
            within.push(&round.iter_var);
            within.extend(round.iter_var2.as_deref());
            // The name under which a round keeps what it has so far is no part of what is searched.
            within.push(&round.accu_var);
            let inside =
                growth_in(&round.loop_cond, &within).or(growth_in(&round.loop_step, &within));
            let looped = Growth {
                rounds: inside.rounds + 1,
                copies: inside.copies + if builds { 2 } else { 1 },
                searches: inside.searches,
            };
            all(&mut [&round.iter_range, &round.accu_init, &round.result].into_iter()).or(looped)
        }
        Expr::List(list) => all(&mut list.elements.iter()),
        Expr::Select(select) => growth_in(&select.operand, rounds),
        // Entries of literals are written by hand, and few.
        Expr::Map(_) | Expr::Struct(_) => Growth {
            rounds: 1,
            copies: 1,
            searches: true,
        },
        Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => Growth::default(),
    }
}

/// Functions of CEL that go through a text.
const SEARCHES: [&str; 4] = ["contains", "matches", "startsWith", "endsWith"];

fn searches(name: &str) -> bool {
    let is_ours = functions::named(name).is_some_and(|function| function.searches);
    is_ours || SEARCHES.contains(&name)
}

fn is_literal(part: &IdedExpr) -> bool {
    matches!(part.expr, Expr::Literal(_) | Expr::List(_) | Expr::Map(_))
}

/// Whether a part is the element of a round, or within it.
fn belongs(part: &IdedExpr, rounds: &[&str]) -> bool {
    match &part.expr {
        Expr::Ident(name) => rounds.contains(&name.as_str()),
        Expr::Select(select) => belongs(&select.operand, rounds),
        Expr::Call(call) => match &call.target {
            Some(target) => belongs(target, rounds),
            None => call
                .args
                .iter()
                .all(|part| is_literal(part) || belongs(part, rounds)),
        },
        _ => false,
    }
}

impl Growth {
    fn or(self, other: Growth) -> Growth {
        Growth {
            rounds: self.rounds.max(other.rounds),
            copies: self.copies.max(other.copies),
            searches: self.searches || other.searches,
        }
    }

    /// Whether its cost depends on sizes at all.
    pub fn grows(self) -> bool {
        self.rounds > 0
    }

    /// Why it is not evaluated on something so large, if so.
    pub fn refusal(self, sizes: Sizes) -> Option<String> {
        if !self.grows() {
            return None;
        }
        let elements = sizes.largest.max(1) as f64;
        let steps = elements.powi(self.rounds);
        let searched = if self.searches {
            steps * sizes.longest as f64
        } else {
            0.0
        };
        let is_too_much =
            steps > STEPS_MAX || elements.powi(self.copies) > COPIES_MAX || searched > SEARCHED_MAX;
        is_too_much.then(|| {
            format!(
                "it would cost too much on what came back (a list of {} elements, a text of {} bytes): look at a part of it",
                sizes.largest, sizes.longest
            )
        })
    }
}

impl Sizes {
    /// Adds a value and all that is in it.
    pub fn add(&mut self, value: &cel::Value) {
        match value {
            cel::Value::List(items) => {
                self.largest = self.largest.max(items.len());
                items.iter().for_each(|item| self.add(item));
            }
            cel::Value::Map(map) => {
                self.largest = self.largest.max(map.map.len());
                map.map.values().for_each(|item| self.add(item));
            }
            cel::Value::String(text) => self.longest = self.longest.max(text.len()),
            cel::Value::Bytes(bytes) => self.longest = self.longest.max(bytes.len()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cel::Program;

    fn refused(text: &str, largest: usize, longest: usize) -> bool {
        let program = Program::compile(text).unwrap();
        let sizes = Sizes { largest, longest };
        growth(program.expression()).refusal(sizes).is_some()
    }

    #[test]
    fn what_grows_beyond_measure_is_refused_before_it_is_evaluated() {
        for (text, largest, longest, expected) in [
            ("status == 200", 10_000_000, 10_000_000, false),
            ("body.items.all(i, i.ok)", 50_000, 10, false),
            ("body.items.all(i, i.ok)", 1_000_000, 10, true),
            ("body.map(i, i.id).size() > 0", 5_000, 10, false),
            ("body.map(i, i.id).size() > 0", 60_000, 10, true),
            ("body.filter(i, i.ok).all(i, i.id > 0)", 60_000, 10, true),
            ("body.all(a, body.all(b, a != b))", 300, 10, false),
            ("body.all(a, body.all(b, a != b))", 60_000, 10, true),
            ("body.all(a, a in body)", 60_000, 10, true),
            ("body.all(a, text.contains(a))", 1_000, 1_000_000, true),
            ("text.contains('a')", 10, 8_000_000, false),
            (
                "body.all(i, i.state in ['open', 'done'])",
                50_000,
                10,
                false,
            ),
            ("body.all(i, 'id' in i)", 50_000, 10, false),
            (
                "body.exists(i, i.name.contains('x'))",
                50_000,
                10_000,
                false,
            ),
            ("body.all(i, i.id == 1)", 50_000, 10, false),
            ("body.all(i, i.total == size(i.items))", 50_000, 10, false),
            ("body.all(i, body.items == body.items)", 50_000, 10, true),
        ] {
            assert_eq!(
                refused(text, largest, longest),
                expected,
                "{text} on {largest}"
            );
        }
    }
}
