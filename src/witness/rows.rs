//! What a database answers to a question that only reads, as rows. Pure.
//!
//! The question is wrapped so that nothing but a question can stand in it, so that the rows come as JSON
//! whatever their types, and no more than so many of them. Invariant: an answer that was cut is a doubt.

use super::said::Said;
use serde_json::Value;

/// A question that asks whether the role could change anything: a session that only reads is no boundary
/// against one that can.
pub const MAY_WRITE: &str = "select case
  when rolsuper then 'is a superuser'
  when pg_has_role(current_user, 'pg_execute_server_program', 'member') then 'may run programs on the server'
  when pg_has_role(current_user, 'pg_write_server_files', 'member') then 'may write files on the server'
  when pg_has_role(current_user, 'pg_write_all_data', 'member') then 'may write everywhere'
  else (select 'may write to ' || c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'f') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
      and has_schema_privilege(n.oid, 'usage')
      and has_table_privilege(c.oid, 'insert, update, delete, truncate') limit 1)
  end from pg_roles where rolname = current_user";

/// A question, wrapped: its lines stand alone, so that a comment at its end ends nothing.
pub fn wrapped(query: &str, rows_max: u64) -> String {
    let query = query.trim().trim_end_matches(';');
    let limit = rows_max.saturating_add(1);
    format!(
        "select coalesce(json_agg(r), '[]')::text from (select * from (\n{query}\n) q limit {limit}) r"
    )
}

/// What the answer to a wrapped question says.
///
/// # Errors
/// Where it is no list of rows.
pub fn understand(text: &str, rows_max: u64) -> Result<Said, String> {
    let Ok(Value::Array(mut rows)) = serde_json::from_str(text) else {
        return Err("the database did not answer with rows".to_owned());
    };
    let mut said = Said::default();
    let most = usize::try_from(rows_max).unwrap_or(usize::MAX);
    if rows.len() > most {
        rows.truncate(most);
        said.doubts.push(format!(
            "there are more than {rows_max} rows, and the others were not looked at"
        ));
    }
    // One value is what most questions come to.
    let only = match rows.as_slice() {
        [Value::Object(row)] if row.len() == 1 => row.values().next().cloned(),
        _ => None,
    };
    match only {
        Some(Value::Null) => said
            .doubts
            .push("the only value is null: nothing was there to be added up".to_owned()),
        Some(value) => said.value("value", value),
        None => {}
    }
    said.value("count", rows.len() as u64);
    said.value("rows", Value::Array(rows));
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_or_added_up_from_nothing_is_a_doubt() {
        let said = |text: &str, most| understand(text, most).unwrap();
        let one = said("[{\"n\":3}]", 10);
        assert_eq!((&one.values["value"], one.doubts.len()), (&3.into(), 0));
        assert_eq!(said("[]", 10).values["count"], 0);
        assert!(said("[]", 10).doubts.is_empty(), "no row is an answer");
        assert_eq!(said("[{\"n\":1},{\"n\":2}]", 1).doubts.len(), 1);
        assert_eq!(said("[{\"sum\":null}]", 1).doubts.len(), 1);
        assert!(understand("{}", 1).is_err() && understand("", 1).is_err());
    }

    #[test]
    fn a_comment_or_a_semicolon_at_the_end_of_a_question_ends_nothing() {
        let sql = wrapped("select 1 as n -- one;\n;", 5);
        assert!(
            sql.contains("(\nselect 1 as n -- one;\n\n) q limit 6) r"),
            "{sql}"
        );
    }
}
