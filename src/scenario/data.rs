//! Data files: CSV with a header line, or JSON with a list. Read once, shared by all.

use crate::net::body::without_mark;
use serde_json::Value;
use std::path::Path;

/// Reads the rows of a data file. A field of a CSV file stays text, so `00123` is `00123`.
pub fn read(path: &Path) -> Result<Vec<Value>, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let rows = match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => match serde_json::from_slice(without_mark(&text)) {
            Ok(Value::Array(rows)) => rows,
            Ok(_) => return Err("it is JSON, but not a list".to_owned()),
            Err(error) => return Err(format!("it is not JSON: {error}")),
        },
        Some("csv") => csv_rows(&text)?,
        _ => return Err("its name ends neither in `.csv` nor in `.json`".to_owned()),
    };
    if rows.is_empty() {
        return Err("it has no rows".to_owned());
    }
    Ok(rows)
}

fn csv_rows(text: &[u8]) -> Result<Vec<Value>, String> {
    let text = without_mark(text);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .delimiter(delimiter(text))
        .from_reader(text);
    let names = reader
        .headers()
        .map_err(|error| format!("its header line cannot be read: {error}"))?
        .clone();
    for (number, name) in names.iter().enumerate() {
        if names.iter().take(number).any(|known| known == name) {
            return Err(format!("its header line names `{name}` twice"));
        }
    }
    reader
        .records()
        .map(|row| {
            let row = row.map_err(|error| format!("it is not CSV: {error}"))?;
            let fields = names
                .iter()
                .zip(row.iter())
                .map(|(name, value)| (name.to_owned(), Value::String(value.to_owned())));
            Ok(Value::Object(fields.collect()))
        })
        .collect()
}

/// What stands between fields, by the header line: spreadsheets write `;` where a comma stands in numbers, or a tab.
fn delimiter(text: &[u8]) -> u8 {
    let header = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut is_quoted = false;
    let outside = header.iter().filter(|byte| {
        is_quoted ^= **byte == b'"';
        !is_quoted
    });
    let outside: Vec<u8> = outside.copied().collect();
    let has = |delimiter: &u8| outside.contains(delimiter);
    *b",;\t".iter().find(|one| has(one)).unwrap_or(&b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_that_is_named_twice_is_told() {
        let twice = csv_rows(b"name,mail,name\na,b,c\n").unwrap_err();
        assert_eq!(twice, "its header line names `name` twice");
    }

    #[test]
    fn tables_of_spreadsheets_are_read_whatever_stands_between_their_fields() {
        for text in [
            "name,sum\nanna,\"1;5\"\n",
            "\u{feff}name;sum\r\nanna;1;5\r\n",
            "name;sum\nanna;\"1;5\"\n",
            "\"name\"\tsum\nanna\t1;5\n",
            "name\nanna\n",
        ] {
            let rows = csv_rows(text.as_bytes());
            match text.contains("anna;1;5") {
                true => assert!(rows.unwrap_err().contains("it is not CSV")),
                false => assert_eq!(rows.unwrap()[0]["name"], "anna", "{text}"),
            }
        }
    }
}
