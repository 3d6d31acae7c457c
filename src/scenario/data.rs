//! Data files: CSV with a header line, or JSON with a list. Read once, shared by all.

use serde_json::Value;
use std::path::Path;

/// Reads the rows of a data file. A field of a CSV file stays text, so `00123` is `00123`.
pub fn read(path: &Path) -> Result<Vec<Value>, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let rows = match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => match serde_json::from_slice(&text) {
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
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::Headers)
        .from_reader(text);
    let names = reader
        .headers()
        .map_err(|error| format!("its header line cannot be read: {error}"))?
        .clone();
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
