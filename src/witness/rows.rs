//! What a database answers to a question that only reads, as rows. Pure.
//!
//! The question is wrapped so that nothing but a question can stand in it, so that the rows come as JSON
//! whatever their types, and no more than so many of them. Invariant: an answer that was cut is a doubt.

use super::said::Said;
use serde_json::Value;

/// A question that asks what the role could change, itself or as a role that it may take on: a session that only
/// reads is no boundary against one that can.
pub const MAY_WRITE: &str = "with own as (
    select * from pg_roles where pg_has_role(current_user, oid, 'member')),
  there as (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
      and n.nspname not like 'pg\\_toast%' and n.nspname not like 'pg\\_temp%')
  select coalesce(
    (select 'is a superuser' from own where rolsuper limit 1),
    (select 'may make roles or databases' from own where rolcreaterole or rolcreatedb limit 1),
    (select 'is a member of ' || rolname from own where rolname in
      ('pg_execute_server_program', 'pg_write_server_files', 'pg_write_all_data') limit 1),
    (select 'may write to ' || there.oid::regclass::text from there, own
      where has_any_column_privilege(own.oid, there.oid, 'insert, update')
        or has_table_privilege(own.oid, there.oid, 'delete, truncate') limit 1))";

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
    if let [Value::Object(row)] = rows.as_slice() {
        if row.values().all(Value::is_null) {
            let doubt = "the only row is null: nothing was there to be added up";
            said.doubts.push(doubt.to_owned());
        } else if row.len() == 1 {
            // One value is what most questions come to.
            said.values.extend(
                row.values()
                    .map(|value| ("value".to_owned(), value.clone())),
            );
        }
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
        for nothing in ["[{\"sum\":null}]", "[{\"sum\":null,\"max\":null}]"] {
            assert_eq!(said(nothing, 1).doubts.len(), 1, "{nothing}");
        }
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
