//! Subjects of NATS: dot-separated tokens, where `*` stands for any one token and a final
//! `>` for one or more.

/// Longest subject that an object may name, in bytes.
const MAX_LENGTH: usize = 1024;

/// What is wrong with a subject that someone wrote, if anything.
pub(super) fn problem(subject: &str) -> Option<String> {
    if subject.len() > MAX_LENGTH {
        return Some(format!("must have at most {MAX_LENGTH} bytes"));
    }
    if subject.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return Some("must not have spaces or control characters".into());
    }
    let mut tokens = subject.split('.').peekable();
    while let Some(token) = tokens.next() {
        let what = match token {
            "" => "must have something before, between and after its dots",
            ">" if tokens.peek().is_some() => "may have > only at its end",
            // The server would take it literally; whoever writes it means a wildcard.
            _ if token.len() > 1 && token.contains(['*', '>']) => {
                "may have * and > only as whole parts between dots"
            }
            _ => continue,
        };
        return Some(what.into());
    }
    None
}

/// What is wrong with the name of a stream or consumer that someone wrote, if anything.
pub(super) fn name_problem(name: &str) -> Option<&'static str> {
    let wrong = |sign: char| sign.is_whitespace() || sign.is_control() || ".*>/\\".contains(sign);
    name.contains(wrong).then_some("must be a name, without spaces and without . * > / \\")
}

/// Whether a subject stands for several.
pub(super) fn is_wildcard(subject: &str) -> bool {
    subject.split('.').any(|token| matches!(token, "*" | ">"))
}

/// Whether some message can be on both: one's wildcards and the other's may meet anywhere.
///
/// For subjects without wildcards this is equality; for one without and one with, that the
/// latter covers the former. Three that overlap in pairs have a message in common too.
pub(super) fn overlaps(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('.'), other.split('.'));
    loop {
        match (one.next(), other.next()) {
            (None, None) => return true,
            (None, _) | (_, None) => return false,
            (Some(">"), _) | (_, Some(">")) => return true,
            (Some(a), Some(b)) if a == b || a == "*" || b == "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests;
