//! JavaScript as far as tests of collections go: statements of calls, members, literals and comparisons.
//!
//! Reads, and performs nothing. Invariant: what is not understood is a statement of its own kind, with its text,
//! never a guess.

use super::javascript_text::{block, is_letter, skip, skip_line, whole};

/// One statement.
#[derive(Debug, PartialEq)]
pub enum Statement {
    /// A value that is named.
    Let(String, Expression),
    /// A value that is put somewhere.
    Assign(Expression, Expression),
    /// Anything that is called or stands there.
    Plain(Expression),
    /// Something that is not understood.
    Other(String),
}

/// One expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A name.
    Name(String),
    /// A text.
    Text(String),
    /// A number, a truth value, `null` or `undefined`, as written.
    Word(String),
    /// A regular expression and its flags.
    Pattern(String, String),
    /// A list.
    List(Vec<Expression>),
    /// A mapping of plain keys.
    Map(Vec<(String, Expression)>),
    /// `a.b` and `a["b"]`.
    Member(Box<Expression>, String),
    /// `a[b]`.
    Index(Box<Expression>, Box<Expression>),
    /// `a(b, c)`.
    Call(Box<Expression>, Vec<Expression>),
    /// `!a`, `typeof a`, `-a`.
    Unary(String, Box<Expression>),
    /// `a === b`.
    Binary(String, Box<Expression>, Box<Expression>),
    /// A function, with its text.
    Function(String),
}

/// The statements of a script.
pub fn statements(text: &str) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = skip(rest);
        rest = rest.strip_prefix(';').unwrap_or(rest);
        rest = skip(rest);
        if rest.is_empty() {
            return all;
        }
        let mut reader = Reader { rest, depth: 0 };
        match reader.statement() {
            Some(statement) if ends(reader.rest, rest) => {
                all.push(statement);
                rest = reader.rest;
            }
            _ => {
                let length = whole(rest);
                all.push(Statement::Other(rest[..length].trim().to_owned()));
                rest = &rest[length..];
            }
        }
    }
}

/// Whether a statement may end here.
fn ends(rest: &str, begin: &str) -> bool {
    if rest.len() == begin.len() {
        return false;
    }
    let spaces = &rest[..rest.len() - rest.trim_start().len()];
    let next = skip(rest);
    next.is_empty()
        || next.starts_with([';', '}'])
        || spaces.contains('\n')
        || rest.trim_start().starts_with("//")
}

/// Members and operators behind each other.
const LINKS_MAX: usize = 200;
/// How deep expressions may stand in each other.
const DEPTH_MAX: usize = 60;

struct Reader<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn statement(&mut self) -> Option<Statement> {
        for word in ["const", "let", "var"] {
            if self.take_word(word) {
                let name = self.name()?;
                self.take("=")?;
                return Some(Statement::Let(name, self.expression()?));
            }
        }
        const BEGUN: [&str; 10] = [
            "if", "for", "while", "do", "switch", "try", "return", "throw", "function", "async",
        ];
        if BEGUN.iter().any(|word| self.is_word(word)) {
            return None;
        }
        let value = self.expression()?;
        self.rest = skip_line(self.rest);
        if self.rest.starts_with('=') && !self.rest.starts_with("==") {
            self.rest = &self.rest[1..];
            return Some(Statement::Assign(value, self.expression()?));
        }
        Some(Statement::Plain(value))
    }

    fn expression(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let value = self.binary(0);
        self.depth -= 1;
        value
    }

    fn binary(&mut self, level: usize) -> Option<Expression> {
        const LEVELS: [&[&str]; 6] = [
            &["||", "??"],
            &["&&"],
            &["===", "!==", "==", "!="],
            &["<=", ">=", "<", ">"],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        let mut links = 0;
        loop {
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            let next = skip_line(self.rest);
            let found = operators
                .iter()
                .find(|operator| next.starts_with(**operator));
            let Some(operator) = found else {
                return Some(left);
            };
            let after = &next[operator.len()..];
            if after.starts_with('=')
                || (matches!(*operator, "+" | "-") && after.starts_with(*operator))
            {
                return None;
            }
            self.rest = after;
            let right = self.binary(level + 1)?;
            left = Expression::Binary((*operator).to_owned(), Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Option<Expression> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.rest = skip(self.rest);
        let operator = ["!", "-", "+"]
            .into_iter()
            .find(|operator| self.rest.starts_with(*operator));
        let value = if let Some(operator) = operator {
            self.rest = &self.rest[1..];
            Expression::Unary(operator.to_owned(), Box::new(self.unary()?))
        } else if self.take_word("typeof") {
            Expression::Unary("typeof".to_owned(), Box::new(self.unary()?))
        } else {
            self.chain()?
        };
        self.depth -= 1;
        Some(value)
    }

    fn chain(&mut self) -> Option<Expression> {
        let mut value = self.first()?;
        let mut links = 0;
        loop {
            links += 1;
            if links > LINKS_MAX {
                return None;
            }
            let next = skip(self.rest);
            let is_new_line = self.rest[..self.rest.len() - next.len()].contains('\n');
            if let Some(after) = next.strip_prefix("?.").or(next.strip_prefix('.')) {
                self.rest = after;
                let name = self.name()?;
                value = Expression::Member(Box::new(value), name);
            } else if next.starts_with('(') && !is_new_line {
                self.rest = &next[1..];
                let given = self.list(")")?;
                value = Expression::Call(Box::new(value), given);
            } else if next.starts_with('[') && !is_new_line {
                self.rest = &next[1..];
                let index = self.expression()?;
                self.take("]")?;
                value = match index {
                    Expression::Text(name) => Expression::Member(Box::new(value), name),
                    index => Expression::Index(Box::new(value), Box::new(index)),
                };
            } else {
                return Some(value);
            }
        }
    }

    fn first(&mut self) -> Option<Expression> {
        self.rest = skip(self.rest);
        if self.is_function() {
            return self.function();
        }
        let first = self.rest.chars().next()?;
        match first {
            '"' | '\'' | '`' => self.text(first).map(Expression::Text),
            '/' => self.pattern(),
            '(' => {
                self.rest = &self.rest[1..];
                let value = self.expression()?;
                self.take(")")?;
                Some(value)
            }
            '[' => {
                self.rest = &self.rest[1..];
                self.list("]").map(Expression::List)
            }
            '{' => {
                self.rest = &self.rest[1..];
                self.map().map(Expression::Map)
            }
            first if first.is_ascii_digit() => {
                let plain = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '.');
                let end = self.rest.find(plain).unwrap_or(self.rest.len());
                let number = &self.rest[..end];
                self.rest = &self.rest[end..];
                number
                    .parse::<f64>()
                    .ok()
                    .filter(|_| !number.ends_with('.'))?;
                Some(Expression::Word(number.to_owned()))
            }
            _ => {
                let name = self.name()?;
                match name.as_str() {
                    "true" | "false" | "null" | "undefined" => Some(Expression::Word(name)),
                    "new" | "await" | "delete" | "void" | "in" | "of" | "instanceof" => None,
                    _ => Some(Expression::Name(name)),
                }
            }
        }
    }

    /// Values up to a closing bracket.
    fn list(&mut self, close: &str) -> Option<Vec<Expression>> {
        let mut all = Vec::new();
        loop {
            self.rest = skip(self.rest);
            if let Some(after) = self.rest.strip_prefix(close) {
                self.rest = after;
                return Some(all);
            }
            all.push(self.expression()?);
            self.rest = skip(self.rest);
            match self.rest.strip_prefix(',') {
                Some(after) => self.rest = after,
                None if self.rest.starts_with(close) => {}
                None => return None,
            }
        }
    }

    fn map(&mut self) -> Option<Vec<(String, Expression)>> {
        let mut all = Vec::new();
        loop {
            self.rest = skip(self.rest);
            if let Some(after) = self.rest.strip_prefix('}') {
                self.rest = after;
                return Some(all);
            }
            let key = match self.rest.chars().next()? {
                quote @ ('"' | '\'') => self.text(quote)?,
                _ => self.name()?,
            };
            self.take(":")?;
            all.push((key, self.expression()?));
            self.rest = skip(self.rest);
            match self.rest.strip_prefix(',') {
                Some(after) => self.rest = after,
                None if self.rest.starts_with('}') => {}
                None => return None,
            }
        }
    }

    fn is_function(&self) -> bool {
        let rest = self.rest.strip_prefix("async").map_or(self.rest, skip);
        if rest
            .strip_prefix("function")
            .is_some_and(|rest| rest.starts_with([' ', '(']))
        {
            return true;
        }
        let Some(inner) = rest.strip_prefix('(') else {
            let name = rest.find(|letter: char| !is_letter(letter)).unwrap_or(0);
            return name > 0 && skip(&rest[name..]).starts_with("=>");
        };
        inner
            .split_once(')')
            .is_some_and(|(_, after)| skip(after).starts_with("=>"))
    }

    /// A function: its body alone.
    fn function(&mut self) -> Option<Expression> {
        let rest = self.rest;
        // Only what stands before its body is looked at: the rest may be long.
        let head = rest.split(['{', '"', '\'']).next().unwrap_or_default();
        let is_arrow = head.contains("=>");
        let body = match is_arrow {
            true => skip(rest.split_once("=>")?.1),
            false => skip(rest.split_once(')')?.1),
        };
        if !body.starts_with('{') {
            let mut reader = Reader {
                rest: body,
                depth: self.depth,
            };
            reader.expression()?;
            let length = body.len() - reader.rest.len();
            self.rest = reader.rest;
            return Some(Expression::Function(body[..length].to_owned()));
        }
        let length = block(body)?;
        self.rest = &body[length..];
        Some(Expression::Function(body[1..length - 1].to_owned()))
    }

    fn text(&mut self, quote: char) -> Option<String> {
        let mut made = String::new();
        let mut letters = self.rest.chars();
        letters.next();
        loop {
            match letters.next()? {
                letter if letter == quote => break,
                // It is made of others.
                '$' if quote == '`' && letters.as_str().starts_with('{') => return None,
                '\n' if quote != '`' => return None,
                '\\' => match letters.next()? {
                    'n' => made.push('\n'),
                    't' => made.push('\t'),
                    'r' => made.push('\r'),
                    'u' | 'x' => return None,
                    other => made.push(other),
                },
                letter => made.push(letter),
            }
        }
        self.rest = letters.as_str();
        Some(made)
    }

    fn pattern(&mut self) -> Option<Expression> {
        let mut is_class = false;
        let mut is_escaped = false;
        let inner = &self.rest[1..];
        for (at, letter) in inner.char_indices() {
            match letter {
                _ if is_escaped => is_escaped = false,
                '\n' => return None,
                '\\' => is_escaped = true,
                '[' => is_class = true,
                ']' => is_class = false,
                '/' if !is_class && at > 0 => {
                    let after = &inner[at + 1..];
                    let end = after
                        .find(|letter: char| !letter.is_ascii_lowercase())
                        .unwrap_or(after.len());
                    self.rest = &after[end..];
                    let pattern = inner[..at].replace("\\/", "/");
                    return Some(Expression::Pattern(pattern, after[..end].to_owned()));
                }
                _ => {}
            }
        }
        None
    }

    fn name(&mut self) -> Option<String> {
        self.rest = skip(self.rest);
        let end = self
            .rest
            .find(|letter: char| !is_letter(letter))
            .unwrap_or(self.rest.len());
        let name = &self.rest[..end];
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        self.rest = &self.rest[end..];
        Some(name.to_owned())
    }

    fn is_word(&self, word: &str) -> bool {
        let after = skip(self.rest).strip_prefix(word);
        after.is_some_and(|after| !after.starts_with(is_letter))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is_there = self.is_word(word);
        if is_there {
            self.rest = &skip(self.rest)[word.len()..];
        }
        is_there
    }

    fn take(&mut self, sign: &str) -> Option<()> {
        self.rest = skip(self.rest).strip_prefix(sign)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Box<Expression> {
        Box::new(Expression::Name(text.to_owned()))
    }

    #[test]
    fn statements_of_tests_are_read() {
        let text = "// why\nconst j = pm.response.json();\ntests['a'] = j.x[0] === 'b' && !j.c\nif (a) { b(';') } else { c }\npm.test(\"t\", () => {\n  // isn't\n  a.b;\n});";
        let all = statements(text);
        assert_eq!(all.len(), 4, "{all:#?}");
        assert!(matches!(&all[0], Statement::Let(name, _) if name == "j"));
        assert!(
            matches!(&all[1], Statement::Assign(Expression::Member(_, name), Expression::Binary(and, ..)) if name == "a" && and == "&&")
        );
        assert_eq!(
            all[2],
            Statement::Other("if (a) { b(';') } else { c }".to_owned())
        );
        let Statement::Plain(Expression::Call(_, given)) = &all[3] else {
            panic!("{all:#?}")
        };
        let Expression::Function(body) = &given[1] else {
            panic!("{given:#?}")
        };
        assert_eq!(
            statements(body),
            [Statement::Plain(Expression::Member(
                name("a"),
                "b".to_owned()
            ))]
        );
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let all = statements("a++;\nlet x = new Date();\n`${b}`\nc(d)");
        let others = all
            .iter()
            .filter(|one| matches!(one, Statement::Other(_)))
            .count();
        assert_eq!((all.len(), others), (4, 3), "{all:#?}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "[a-c.(){}\\[\\]\"'`=!&|;/\\\\, \\n>]{0,60}") {
            let all = statements(&text);
            proptest::prop_assert!(all.len() <= text.len());
        }
    }
}
