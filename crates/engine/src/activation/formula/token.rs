//! The words of a formula.

/// One word, and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) what: What<'a>,
    /// Its first character, counted from 1.
    pub(super) at: usize,
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum What<'a> {
    Int(i64),
    Float(f64),
    /// A name or a word of the language.
    Name(&'a str),
    /// An operator, a bracket or another sign.
    Sign(&'static str),
    End,
}

/// Signs, longer ones before those that they begin with.
const SIGNS: &[&str] = &[
    "**", "??", "==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "%", "^", "<", ">", "!", "?", ":",
    "|", "=", ";", ",", "(", ")", "[", "]", "{", "}", "#",
];

/// The words of `text`, with [`What::End`] as the last.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text[..text.len() - rest.len()].chars().count() + 1;
        if let Some(behind) = behind_comment(rest) {
            rest = behind.ok_or_else(|| format!("at {at}: the comment does not end"))?;
            continue;
        }
        let Some(first) = rest.chars().next() else {
            tokens.push(Token { what: What::End, at });
            return Ok(tokens);
        };
        let (what, length) = match first {
            '0'..='9' => number(rest, at)?,
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => number(rest, at)?,
            'a'..='z' | 'A'..='Z' | '_' => {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                (What::Name(&rest[..length]), length)
            }
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => (What::Sign(sign), sign.len()),
                None => return Err(format!("at {at}: {}", unknown(first))),
            },
        };
        tokens.push(Token { what, at });
        rest = &rest[length..];
    }
}

/// What stands behind the comment that `rest` begins with, if it does so; `None` where that has no end.
fn behind_comment(rest: &str) -> Option<Option<&str>> {
    if let Some(comment) = rest.strip_prefix("//") {
        return Some(Some(comment.find('\n').map_or("", |end| &comment[end..])));
    }
    let comment = rest.strip_prefix("/*")?;
    Some(comment.find("*/").map(|end| &comment[end + 2..]))
}

fn unknown(first: char) -> String {
    match first {
        '"' | '\'' | '`' => "strings are not supported, only numbers".to_owned(),
        '.' => "fields and ranges are not supported, only names of triggers and arrays".to_owned(),
        other => format!("{other:?} is not part of a formula"),
    }
}

fn number(rest: &str, at: usize) -> Result<(What<'static>, usize), String> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        bytes[from..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'_').count() + from
    };
    let mut end = digits(0);
    let mut is_whole = true;
    if bytes.get(end) == Some(&b'.') && bytes.get(end + 1) != Some(&b'.') {
        (end, is_whole) = (digits(end + 1), false);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        (end, is_whole) = (digits(end + 1 + sign), false);
    }
    let text = rest[..end].replace('_', "");
    let is_word = bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let value = if is_whole { text.parse().map(What::Int).ok() } else { text.parse().map(What::Float).ok() };
    match value {
        Some(value) if !is_word && value != What::Float(f64::INFINITY) => Ok((value, end)),
        _ => Err(format!("at {at}: not a number that is understood")),
    }
}
