//! Keys of a keyboard, as the browser is told of them.
//!
//! Pure. Names are those of UI Events KeyboardEvent key values (<https://www.w3.org/TR/uievents-key/>).

use serde_json::{Value, json};

/// A key with what is held beside it: `Control+A`, `Enter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Press {
    key: String,
    code: String,
    number: u32,
    text: Option<String>,
    modifiers: u32,
}

/// Keys with a name: what they are called, their number, and the text that they make.
const NAMED: [(&str, u32, Option<&str>); 15] = [
    ("Enter", 13, Some("\r")),
    ("Tab", 9, None),
    ("Escape", 27, None),
    ("Backspace", 8, None),
    ("Delete", 46, None),
    ("Space", 32, Some(" ")),
    ("ArrowLeft", 37, None),
    ("ArrowUp", 38, None),
    ("ArrowRight", 39, None),
    ("ArrowDown", 40, None),
    ("Home", 36, None),
    ("End", 35, None),
    ("PageUp", 33, None),
    ("PageDown", 34, None),
    ("F5", 116, None),
];

impl Press {
    /// Reads a key as people write it.
    ///
    /// # Errors
    ///
    /// That there is no such key, and which there are.
    pub(super) fn read(written: &str) -> Result<Press, String> {
        let (held, last) = match written.rsplit_once('+') {
            // `Control++` is the key `+` with Control.
            Some((held, "")) if held.is_empty() || held.ends_with('+') => {
                (held.strip_suffix('+').unwrap_or(held), "+")
            }
            Some((_, "")) => return Err(format!("`{written}` holds a key, and presses none")),
            Some((held, last)) => (held, last),
            None => ("", written),
        };
        let mut modifiers = 0;
        for one in held.split('+').filter(|one| !one.is_empty()) {
            modifiers |= match one {
                "Alt" => 1,
                "Control" => 2,
                "Meta" => 4,
                "Shift" => 8,
                other => {
                    return Err(format!(
                        "`{other}` is held with no key: `Alt`, `Control`, `Meta` or `Shift`"
                    ));
                }
            };
        }
        if let Some((name, number, text)) = NAMED.iter().find(|(name, ..)| *name == last) {
            let key = if *name == "Space" { " " } else { name };
            return Ok(Press {
                key: key.to_owned(),
                code: (*name).to_owned(),
                number: *number,
                text: text.map(str::to_owned),
                modifiers,
            });
        }
        let mut letters = last.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(Press::letter(letter, modifiers)),
            _ => {
                let names = NAMED.map(|(name, ..)| name).join(", ");
                Err(format!("`{last}` is no key: one letter, or {names}"))
            }
        }
    }

    /// One letter.
    pub(super) fn letter(letter: char, modifiers: u32) -> Press {
        let upper = letter.to_ascii_uppercase();
        let is_plain = upper.is_ascii_alphanumeric();
        let code = match upper {
            'A'..='Z' => format!("Key{upper}"),
            '0'..='9' => format!("Digit{upper}"),
            _ => String::new(),
        };
        // What is held beside it makes a command of a letter.
        let makes_text = modifiers & !8 == 0;
        Press {
            key: letter.to_string(),
            code,
            number: if is_plain { upper as u32 } else { 0 },
            text: makes_text.then(|| {
                if letter == '\n' {
                    "\r".to_owned()
                } else {
                    letter.to_string()
                }
            }),
            modifiers,
        }
    }

    /// What the browser is told: down, then up.
    pub(super) fn events(&self) -> [Value; 2] {
        let event = |kind: &str| {
            json!({
                "type": kind, "key": self.key, "code": self.code, "modifiers": self.modifiers,
                "windowsVirtualKeyCode": self.number, "nativeVirtualKeyCode": self.number,
            })
        };
        let mut down = event(if self.text.is_some() {
            "keyDown"
        } else {
            "rawKeyDown"
        });
        if let Some(text) = &self.text {
            down["text"] = text.as_str().into();
        }
        // In a page without a window nothing else selects all.
        if self.modifiers == 2 && self.key.eq_ignore_ascii_case("a") {
            down["commands"] = json!(["selectAll"]);
        }
        [down, event("keyUp")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_people_write_them() {
        let enter = Press::read("Enter").unwrap();
        assert_eq!(enter.events()[0]["text"], "\r");
        let all = Press::read("Control+a").unwrap();
        assert_eq!((all.modifiers, all.text), (2, None));
        assert_eq!(Press::read("Control++").unwrap().key, "+");
        assert_eq!(Press::read("ü").unwrap().text.as_deref(), Some("ü"));
        assert_eq!(Press::read("Shift+B").unwrap().text.as_deref(), Some("B"));
    }

    #[test]
    fn what_is_no_key_is_told_with_those_there_are() {
        assert!(Press::read("Retrun").unwrap_err().contains("Enter"));
        assert!(Press::read("Strg+A").unwrap_err().contains("Control"));
    }
}
