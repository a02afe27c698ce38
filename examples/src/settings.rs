//! Settings by environment variables, as a Deployment gives them.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use anyhow::anyhow;

/// The variable's text, or `default` where it is not set or empty.
#[must_use]
pub fn text(name: &str, default: &str) -> String {
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => value,
        _ => default.to_owned(),
    }
}

/// The variable's number, or `default`. Fails with the variable's name where it is not one.
pub fn number<T: FromStr<Err: Display> + Display>(name: &str, default: T) -> anyhow::Result<T> {
    let value = text(name, &default.to_string());
    value.parse().map_err(|error| anyhow!("{name} is {value:?}: {error}"))
}

/// The variable's milliseconds, or `default`.
pub fn milliseconds(name: &str, default: u64) -> anyhow::Result<Duration> {
    Ok(Duration::from_millis(number(name, default)?))
}

#[cfg(test)]
mod tests {
    use super::{number, text};

    #[test]
    fn a_variable_that_is_no_number_is_named() {
        assert_eq!(text("NO_SUCH_VARIABLE", "jobs"), "jobs");
        assert_eq!(number("NO_SUCH_VARIABLE", 7).unwrap(), 7);
        let error = number::<u64>("PATH", 7).unwrap_err().to_string();
        assert!(error.starts_with("PATH is "), "{error}");
    }
}
