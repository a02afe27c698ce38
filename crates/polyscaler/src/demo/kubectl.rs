//! Lists as `kubectl get` prints them: the API server itself makes the columns.

use anyhow::Context as _;
use kube::Client;
use serde::Deserialize;
use serde_json::Value;

/// How kubectl asks.
const AS_TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Table {
    column_definitions: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    /// Others than 0 are shown by `-o wide` only.
    priority: i32,
}

#[derive(Deserialize)]
struct Row {
    cells: Vec<Value>,
}

/// The list at `path`, as lines; the heading first.
pub(super) async fn table(client: &Client, path: &str) -> anyhow::Result<String> {
    let request = http::Request::get(path).header(http::header::ACCEPT, AS_TABLE).body(Vec::new())?;
    let table: Table = client.request(request).await.with_context(|| format!("listing {path}"))?;
    Ok(lines(&table))
}

fn lines(table: &Table) -> String {
    let shown: Vec<usize> = (0..table.column_definitions.len())
        .filter(|&column| table.column_definitions[column].priority == 0)
        .collect();
    let heading: Vec<String> =
        shown.iter().map(|&column| table.column_definitions[column].name.to_uppercase()).collect();
    let cell = |row: &Row, column: usize| match row.cells.get(column) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let rows = table.rows.iter().map(|row| shown.iter().map(|&column| cell(row, column)).collect());
    let all: Vec<Vec<String>> = std::iter::once(heading).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..shown.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}   "));
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    all.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_for_everyone_are_shown_in_lines() {
        let table: Table = serde_json::from_value(json!({
            "columnDefinitions": [
                { "name": "Name", "priority": 0 },
                { "name": "Reference", "priority": 1 },
                { "name": "MinPods", "priority": 0 },
            ],
            "rows": [{ "cells": ["keda-hpa-scaledobject-py", "x", 1] }, { "cells": ["a", "y", null] }],
        }))
        .unwrap();
        assert_eq!(lines(&table), "NAME                       MINPODS\nkeda-hpa-scaledobject-py   1\na\n");
    }
}
