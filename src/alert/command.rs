//! A program that is told: the message as JSON on its standard input, the most needed in `BELLWETHER_…`
//! variables. It is told when it ends with 0.

use super::channel::{Channel, ReadChannel};
use crate::delivery::attempt::Delivery;
use crate::delivery::means::Means;
use crate::document::kind::Kind;
use crate::document::node::Node;
use crate::document::shape::{Shape, field};
use crate::doing::Doing;
use crate::limits;
use crate::net::program::{Invocation, run};
use crate::record::message::{Message, written};
use crate::scenario::reader::Reader;
use crate::scenario::template::Template;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(super) const KIND: Kind<ReadChannel> = Kind {
    field: field(
        "command",
        Shape::List(&Shape::Template),
        "a program and its arguments, without a shell; the message is JSON on its standard input",
    ),
    what: read,
};

#[derive(Debug)]
struct Command {
    words: Vec<Template>,
    folder: PathBuf,
}

fn read(reader: &mut Reader<'_>, node: &Node) -> Option<Box<dyn Channel>> {
    let words: Option<Vec<Template>> = node
        .items()
        .into_iter()
        .map(|word| reader.template(word))
        .collect();
    Some(Box::new(Command {
        words: words?,
        folder: reader.folder.to_owned(),
    }))
}

impl Command {
    fn invocation(
        &self,
        means: &Means,
        message: &Message,
        key: &str,
    ) -> Result<Invocation, String> {
        let fill = |word: &Template| Ok(means.fill(word, &BTreeMap::new())?.expose().to_owned());
        let incident = message.incident.as_ref();
        let mut environment = vec![
            ("BELLWETHER_KEY".to_owned(), key.to_owned()),
            ("BELLWETHER_SUBJECT".to_owned(), message.subject.clone()),
        ];
        if let Some(incident) = incident {
            environment.push(("BELLWETHER_INCIDENT".to_owned(), incident.key.clone()));
            environment.push(("BELLWETHER_EVENT".to_owned(), incident.event.clone()));
            environment.push(("BELLWETHER_SEVERITY".to_owned(), incident.severity.clone()));
        }
        Ok(Invocation {
            words: self.words.iter().map(fill).collect::<Result<_, String>>()?,
            folder: Some(self.folder.clone()),
            environment,
            input: Some(written(message)),
        })
    }
}

impl Channel for Command {
    fn tell<'a>(
        &'a self,
        means: &'a Means,
        message: &'a Message,
        key: &'a str,
    ) -> Doing<'a, Delivery> {
        Box::pin(async move {
            let invocation = match self.invocation(means, message, key) {
                Ok(invocation) => invocation,
                Err(reason) => return Delivery::give_up(reason),
            };
            match run(&invocation, limits::DELIVERY_TIMEOUT).await {
                Ok(finished) if finished.code == 0 => {
                    Delivery::done("the program took it".to_owned())
                }
                Ok(finished) => {
                    let output = format!("{}{}", finished.stdout, finished.stderr);
                    let text = format!(
                        "the program ended with {}: {}",
                        finished.code,
                        output.trim()
                    );
                    Delivery::again(text, None)
                }
                Err(fault) => Delivery::again(fault.to_string(), None),
            }
        })
    }
}
