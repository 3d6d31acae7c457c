//! What a server of gRPC tells of itself: which files are to be asked for, and when all are there.
//!
//! Pure: questions come out, answers go in. Source: the reflection protocol of gRPC (v1 and v1alpha, which are alike).
//! Invariant: it ends, whatever a server tells.

use super::grpc::Status;
use super::protobuf::{Call, Schema, Told, split};
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Files that a server may tell of.
const FILES_MAX: usize = 500;

/// What is told so far of what one call needs.
#[derive(Debug)]
pub struct Telling {
    name: String,
    files: Vec<Told>,
    asked: BTreeSet<String>,
    questions: Vec<Value>,
}

/// Why a server does not tell.
#[derive(Debug)]
pub enum Silent {
    /// It says so itself.
    Refused(Status),
    /// What it tells is none of this.
    Odd(String),
}

impl Telling {
    /// Nothing yet, of a call such as `shop.v1.Orders/Get`.
    pub fn of(name: &str) -> Telling {
        let (service, _) = split(name);
        Telling {
            name: name.to_owned(),
            files: Vec::new(),
            asked: BTreeSet::new(),
            questions: vec![json!({ "fileContainingSymbol": service })],
        }
    }

    /// What is to be asked next, if anything is missing.
    pub fn question(&mut self) -> Option<Value> {
        self.questions.pop()
    }

    /// Takes what was told.
    ///
    /// # Errors
    /// The server does not tell.
    pub fn take(&mut self, answer: &Value) -> Result<(), Silent> {
        if let Some(error) = answer.get("errorResponse") {
            let code = error["errorCode"].as_u64().unwrap_or(2) as u32;
            let message = error["errorMessage"].as_str().unwrap_or_default();
            return Err(Silent::Refused(Status {
                // That it has no such name is no word on whether it tells at all.
                code: if code == 12 { 5 } else { code },
                message: message.to_owned(),
            }));
        }
        let told = answer["fileDescriptorResponse"]["fileDescriptorProto"].as_array();
        for text in told.into_iter().flatten().filter_map(Value::as_str) {
            let bytes = base64::engine::general_purpose::STANDARD.decode(text);
            let file = Told::read(&bytes.unwrap_or_default()).map_err(Silent::Odd)?;
            if !self.files.iter().any(|known| known.name() == file.name()) {
                self.files.push(file);
            }
        }
        if self.files.len() > FILES_MAX {
            let why = format!("the server tells of more than {FILES_MAX} files");
            return Err(Silent::Odd(why));
        }
        let needed = self.files.iter().flat_map(|file| file.needs().iter());
        let is_missing = |need: &&String| {
            !need.starts_with("google/protobuf/")
                && !self.files.iter().any(|known| known.name() == need.as_str())
        };
        for need in needed.filter(is_missing) {
            if self.asked.insert(need.clone()) {
                self.questions.push(json!({ "fileByFilename": need }));
            }
        }
        Ok(())
    }

    /// What it comes to.
    ///
    /// # Errors
    /// Something is missing, or there is no such call.
    pub fn call(self) -> Result<Call, String> {
        Schema::of_told(self.files)?.call(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_tells_nothing_or_too_much_comes_to_an_end() {
        let mut telling = Telling::of("shop.v1.Orders/Get");
        let question = telling.question().unwrap();
        assert_eq!(
            question,
            json!({ "fileContainingSymbol": "shop.v1.Orders" })
        );
        telling.take(&json!({})).unwrap();
        assert!(telling.question().is_none());
        assert!(
            telling
                .call()
                .unwrap_err()
                .contains("no service `shop.v1.Orders`")
        );
        let mut telling = Telling::of("a.B/C");
        let odd = json!({ "fileDescriptorResponse": { "fileDescriptorProto": ["////"] } });
        assert!(matches!(telling.take(&odd), Err(Silent::Odd(_))));
        let none = json!({ "errorResponse": { "errorCode": 12, "errorMessage": "no" } });
        let Err(Silent::Refused(status)) = telling.take(&none) else {
            panic!("it was refused");
        };
        assert_eq!((status.code, status.message.as_str()), (5, "no"));
    }
}
