//! XML as a document of members and lists, so that the same locations lead through it. Nothing is resolved: no
//! entities of its own, no external ones, no documents' types.

use serde_json::{Map, Value};

/// Deepest nesting that is read.
const MAX_DEPTH: usize = 128;

/// The name of an element's own text, where it has attributes or elements, too.
pub(crate) const TEXT: &str = "";

/// The document within the root element: its elements by their names, several of one name as a list; attributes by their
/// names after an `@`. Where an element has nothing but text, it is that text.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let mut open: Vec<Element> = Vec::new();
    let mut rest = text;
    loop {
        let Some(at) = rest.find('<') else { return Err("it ends before its root element does".to_owned()) };
        let (before, tag) = rest.split_at(at);
        match open.last_mut() {
            Some(element) => element.text.push_str(&unescaped(before)?),
            None if before.trim().is_empty() => {}
            None => return Err("it has text outside of its root element".to_owned()),
        }
        if let Some(cdata) = tag.strip_prefix("<![CDATA[") {
            let (inner, after) = cdata.split_once("]]>").ok_or("a CDATA section has no end")?;
            open.last_mut().ok_or("it has text outside of its root element")?.text.push_str(inner);
            rest = after;
            continue;
        }
        let skipped = [("<!--", "-->"), ("<?", "?>")].into_iter().find(|(begin, _)| tag.starts_with(begin));
        if let Some((_, end)) = skipped {
            rest = tag.split_once(end).ok_or("a comment or an instruction has no end")?.1;
            continue;
        }
        if tag.starts_with("<!") {
            return Err("it declares a document type, which is not read".to_owned());
        }
        let end = tag_end(tag).ok_or("a tag has no end")?;
        let inner = &tag[1..end];
        rest = &tag[end + 1..];
        let closed = match (inner.strip_prefix('/'), inner.strip_suffix('/')) {
            (Some(name), _) => {
                let element = open.pop().ok_or("a closing tag has no opening one")?;
                if element.name != name.trim() {
                    return Err("an element is closed by the tag of another one".to_owned());
                }
                element
            }
            (None, Some(empty)) => Element::parse(empty)?,
            (None, None) => {
                if open.len() == MAX_DEPTH {
                    return Err(format!("its elements are nested more than {MAX_DEPTH} deep"));
                }
                open.push(Element::parse(inner)?);
                continue;
            }
        };
        let (name, value) = (closed.name.clone(), closed.value());
        match open.last_mut() {
            Some(parent) => parent.add(name, value),
            None if is_blank(rest) => return Ok(value),
            None => return Err("it goes on after its root element".to_owned()),
        }
    }
}

/// Whether nothing but comments follows.
fn is_blank(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_start();
        match rest.strip_prefix("<!--").and_then(|comment| comment.split_once("-->")) {
            Some((_, after)) => rest = after,
            None => return rest.is_empty(),
        }
    }
}

/// Where a tag ends; a `>` in an attribute's value does not end it.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in tag.char_indices() {
        match (quote, letter) {
            (Some(open), letter) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '>') => return Some(at),
            _ => {}
        }
    }
    None
}

#[derive(Default)]
struct Element {
    name: String,
    members: Map<String, Value>,
    text: String,
}

impl Element {
    fn parse(tag: &str) -> Result<Self, String> {
        let tag = tag.trim();
        let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        if name.is_empty() {
            return Err("an element has no name".to_owned());
        }
        let mut element = Self { name: name.to_owned(), ..Self::default() };
        while !rest.trim().is_empty() {
            let (attribute, after) = rest.split_once('=').ok_or("an attribute has no value")?;
            let after = after.trim_start();
            let quote = after.chars().next().filter(|quote| "\"'".contains(*quote));
            let quote = quote.ok_or("an attribute's value is not in quotes")?;
            let (value, after) = after[1..].split_once(quote).ok_or("an attribute's value has no end")?;
            let value = Value::from(unescaped(value)?);
            element.members.insert(format!("@{}", attribute.trim()), value);
            rest = after;
        }
        Ok(element)
    }

    fn add(&mut self, name: String, value: Value) {
        match self.members.get_mut(&name) {
            None => drop(self.members.insert(name, value)),
            // An element is never a list itself.
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }

    fn value(mut self) -> Value {
        let text = self.text.trim();
        if self.members.is_empty() {
            return Value::from(text);
        }
        if !text.is_empty() {
            self.members.insert(TEXT.to_owned(), Value::from(text));
        }
        Value::Object(self.members)
    }
}

fn unescaped(text: &str) -> Result<String, String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        let (name, after) = entity.split_once(';').ok_or("an entity has no end")?;
        let letter = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => {
                let code = match name.strip_prefix("#x") {
                    Some(code) => u32::from_str_radix(code, 16).ok(),
                    None => name.strip_prefix('#').and_then(|code| code.parse().ok()),
                };
                code.and_then(char::from_u32)
            }
        };
        result.push_str(before);
        result.push(letter.ok_or("it has an entity of its own, which is not resolved")?);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_are_members_and_several_of_one_name_a_list() {
        let text = r#"<?xml version="1.0"?>
            <!-- as of today > -->
            <stats at='a>b' note="&lt;&#65;&#x42;">
              <queue name="a">3</queue><queue name="b"><depth>4</depth></queue><queue/>
              <load><![CDATA[ 1.5 ]]></load>
            </stats>
            <!-- done -->"#;
        let expected = json!({
            "@at": "a>b", "@note": "<AB", "load": "1.5",
            "queue": [{"@name": "a", "": "3"}, {"@name": "b", "depth": "4"}, ""],
        });
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse("<n> 7 </n>"), Ok(json!("7")));
    }

    #[test]
    fn what_is_no_sound_document_is_refused() {
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        for (text, words) in [
            ("", "ends before"),
            ("7", "ends before"),
            ("7<a/>", "text outside"),
            ("<a>", "ends before"),
            ("<a></b>", "another one"),
            ("</a>", "no opening"),
            ("<a/><b/>", "goes on"),
            ("<a b=1/>", "in quotes"),
            ("<a b/>", "no value"),
            ("<a>&own;</a>", "not resolved"),
            ("<!DOCTYPE a [<!ENTITY own SYSTEM \"file:///etc/passwd\">]><a>&own;</a>", "document type"),
            ("<a", "no end"),
            (deep.as_str(), "nested"),
        ] {
            let why = parse(text).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
    }
}
