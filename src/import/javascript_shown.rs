//! Statements as text again, near enough to be found where they came from.

use super::javascript::{Expression, Statement};
use super::words::{identifier, text_literal};

/// A statement that was read, near enough to be found again.
pub(super) fn shown(statement: &Statement) -> String {
    match statement {
        Statement::Let(name, value) => format!("const {name} = {}", written(value)),
        Statement::Assign(target, value) => format!("{} = {}", written(target), written(value)),
        Statement::Plain(value) => written(value),
        Statement::Other(text) => text.clone(),
    }
}

pub(super) fn written(value: &Expression) -> String {
    let all = |given: &[Expression]| given.iter().map(written).collect::<Vec<_>>().join(", ");
    match value {
        Expression::Name(name) | Expression::Word(name) => name.clone(),
        Expression::Text(text) => text_literal(text),
        Expression::Pattern(pattern, flags) => format!("/{pattern}/{flags}"),
        Expression::List(items) => format!("[{}]", all(items)),
        Expression::Map(entries) => {
            let pair = |(key, value): &(String, Expression)| format!("{key}: {}", written(value));
            format!(
                "{{ {} }}",
                entries.iter().map(pair).collect::<Vec<_>>().join(", ")
            )
        }
        Expression::Member(of, name) => match identifier(name) == *name {
            true => format!("{}.{name}", written(of)),
            false => format!("{}[{}]", written(of), text_literal(name)),
        },
        Expression::Index(of, index) => format!("{}[{}]", written(of), written(index)),
        Expression::Call(of, given) => format!("{}({})", written(of), all(given)),
        Expression::Unary(operator, of) => match operator.as_str() {
            "typeof" => format!("typeof {}", written(of)),
            operator => format!("{operator}{}", written(of)),
        },
        Expression::Binary(operator, left, right) => {
            format!("{} {operator} {}", written(left), written(right))
        }
        Expression::Function(body) => format!("() => {{ {} }}", body.trim()),
    }
}
