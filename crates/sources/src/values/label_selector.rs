//! Whether a text is a label selector, by the grammar of the API server, so that a wrong one is
//! refused with its field's path before anything is asked.
//!
//! A selector is a list of requirements with commas between: `app=web`, `app==web`, `app!=web`,
//! `app`, `!app`, `tier in (web, api)`, `tier notin (db)`, `weight>5`, `weight<9`.

use crate::values::names;

/// Longest name of a label, and longest value.
const MAX_NAME: usize = 63;
/// Signs that stand by themselves.
const SIGNS: [char; 7] = ['=', '!', '(', ')', ',', '>', '<'];

/// What is wrong with `text` as a label selector; `None` where nothing is.
pub(crate) fn problem(text: &str) -> Option<String> {
    Parser { tokens: tokens(text), next: 0 }.selector().err()
}

/// Words and signs. A comparison is one sign, whatever the spaces around it.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', '\r', '\n']);
    while let Some(first) = rest.chars().next() {
        let length = if SIGNS.contains(&first) {
            if ["==", "!="].iter().any(|sign| rest.starts_with(sign)) { 2 } else { 1 }
        } else {
            rest.find(|found: char| SIGNS.contains(&found) || " \t\r\n".contains(found)).unwrap_or(rest.len())
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(token);
        rest = behind.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    tokens
}

struct Parser<'a> {
    tokens: Vec<&'a str>,
    next: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).copied()
    }

    fn take(&mut self) -> Option<&'a str> {
        let token = self.peek();
        self.next += 1;
        token
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is_next = self.peek() == Some(sign);
        self.next += usize::from(is_next);
        is_next
    }

    /// The next token, if it is a word.
    fn word(&mut self) -> Option<&'a str> {
        let word = self.peek().filter(|token| !token.starts_with(SIGNS))?;
        self.next += 1;
        Some(word)
    }

    fn found(&self) -> String {
        self.peek().map_or_else(|| "it ends".to_owned(), |token| format!("{token:?} is found"))
    }

    fn selector(&mut self) -> Result<(), String> {
        loop {
            self.requirement()?;
            if self.peek().is_none() {
                return Ok(());
            }
            if !self.takes(",") {
                return Err(format!("{} where a comma or the end is expected", self.found()));
            }
        }
    }

    fn requirement(&mut self) -> Result<(), String> {
        let absent = self.takes("!");
        let Some(key) = self.word() else {
            return Err(format!("{} where the name of a label is expected", self.found()));
        };
        name_problem(key).map_or(Ok(()), Err)?;
        if absent || matches!(self.peek(), None | Some(",")) {
            return Ok(());
        }
        let expected = format!("{} where one of = == != in notin > < is expected", self.found());
        match self.take() {
            Some("=" | "==" | "!=") => self.value().and_then(value_is_good),
            Some("in" | "notin") => self.values(),
            Some(sign @ ("<" | ">")) => {
                let value = self.value()?;
                let is_whole = value.parse::<i64>().is_ok();
                if is_whole {
                    value_is_good(value)
                } else {
                    Err(format!("{sign} is for whole numbers, not for {value:?}"))
                }
            }
            _ => Err(expected),
        }
    }

    /// The value behind a comparison, which may be empty.
    fn value(&mut self) -> Result<&'a str, String> {
        match self.peek() {
            None | Some(",") => Ok(""),
            _ => self.word().ok_or_else(|| format!("{} where a value is expected", self.found())),
        }
    }

    /// `(a, b)`, of which each may be empty.
    fn values(&mut self) -> Result<(), String> {
        if !self.takes("(") {
            return Err(format!("{} where values in parentheses are expected", self.found()));
        }
        loop {
            value_is_good(self.word().unwrap_or_default())?;
            if self.takes(")") {
                return Ok(());
            }
            if !self.takes(",") {
                return Err(format!("{} where a comma or a closing parenthesis is expected", self.found()));
            }
        }
    }
}

/// What is wrong with a label's name, which is `[prefix/]name`.
fn name_problem(key: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if name.is_empty() || !is_plain(name) || !prefix.is_none_or(names::is_subdomain) {
        return Some(format!("{key:?} cannot be the name of a label"));
    }
    None
}

fn value_is_good(value: &str) -> Result<(), String> {
    if is_plain(value) { Ok(()) } else { Err(format!("{value:?} cannot be the value of a label")) }
}

/// Letters and digits, with `-`, `_` and `.` between them, not too many; or nothing.
fn is_plain(text: &str) -> bool {
    let ends_well = |end: Option<u8>| end.is_none_or(|byte| byte.is_ascii_alphanumeric());
    text.len() <= MAX_NAME
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ends_well(text.bytes().next())
        && ends_well(text.bytes().next_back())
}

#[cfg(test)]
mod tests;
