//! Where in a response the number is, and the number there.

use engine::hpa::Quantity;
use engine::{Absence, AbsenceReason};
use serde_json::Value;

use crate::net::http_client::Body;
use crate::net::json_number;
use crate::values::exposition::Selector;
use crate::values::fault::type_name;
use crate::values::json_path::JsonPath;
use crate::values::location::{Found, Location};
use crate::values::xml;

/// Where the number is. The spelling is for messages.
pub(super) struct Place {
    spelling: String,
    at: At,
}

enum At {
    Path(JsonPath),
    Json(Location),
    Yaml(Location),
    Xml(Location),
    Sample(Selector),
}

/// What a response is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Yaml,
    Xml,
    Prometheus,
}

impl Format {
    /// The names that users write; the first is the default.
    pub(super) const NAMES: [(&str, Self); 4] =
        [("json", Self::Json), ("yaml", Self::Yaml), ("xml", Self::Xml), ("prometheus", Self::Prometheus)];
}

impl Place {
    /// The place of a JSONPath, or what it must be.
    pub(super) fn of_path(text: &str) -> Result<Self, String> {
        let at = At::Path(JsonPath::parse(text).map_err(|why| why.to_string())?);
        Ok(Self { spelling: text.to_owned(), at })
    }

    /// The place of a location in a response of `format`, or what it must be.
    pub(super) fn of_location(format: Format, text: &str) -> Result<Self, String> {
        let at = match format {
            Format::Json => At::Json(Location::parse(text)?),
            Format::Yaml => At::Yaml(Location::parse(text)?),
            Format::Xml => At::Xml(Location::parse(text)?),
            Format::Prometheus => At::Sample(Selector::parse(text)?),
        };
        Ok(Self { spelling: text.to_owned(), at })
    }

    /// What a request accepts.
    pub(super) fn accept(&self) -> &'static str {
        match self.at {
            At::Path(_) | At::Json(_) => "application/json",
            At::Yaml(_) => "application/yaml, text/yaml, */*;q=0.5",
            At::Xml(_) => "application/xml, text/xml, */*;q=0.5",
            At::Sample(_) => "text/plain;version=0.0.4, */*;q=0.5",
        }
    }

    /// The number in `body`, or why there is none. No message repeats what the response says.
    pub(super) fn number(&self, body: &Body) -> Result<f64, Absence> {
        match &self.at {
            At::Path(path) => json_number::extract(body, path, &self.spelling),
            At::Json(location) => {
                let document = serde_json::from_slice(&body.text());
                self.located(location, &document.map_err(|error| json_number::not_json(body, &error))?)
            }
            At::Yaml(location) => {
                let text = body.text();
                let document =
                    std::str::from_utf8(&text).ok().and_then(|text| serde_saphyr::from_str(text).ok());
                self.located(location, &document.ok_or_else(|| not("YAML"))?)
            }
            At::Xml(location) => {
                let text = body.text();
                let text = std::str::from_utf8(&text).map_err(|_| not("XML"))?;
                let document = xml::parse(text).map_err(|why| {
                    absent(
                        AbsenceReason::Malformed,
                        format!("the response is not XML that can be read: {why}"),
                    )
                })?;
                self.located(location, &document)
            }
            At::Sample(selector) => {
                let text = body.text();
                let text = std::str::from_utf8(&text).map_err(|_| not("text"))?;
                let number = selector.find(text).ok_or_else(|| self.missing(""))?;
                self.finite(number.parse().ok())
            }
        }
    }

    fn located(&self, location: &Location, document: &Value) -> Result<f64, Absence> {
        let outline = || format!("; it is {}", json_number::outline(document));
        match location.find(document).ok_or_else(|| self.missing(&outline()))? {
            Found::Count(count) => Ok(count as f64),
            Found::Value(value) => self.number_of(&value),
        }
    }

    fn number_of(&self, value: &Value) -> Result<f64, Absence> {
        match value {
            Value::Number(number) => self.finite(number.as_f64()),
            Value::String(text) => self.quantity(text),
            Value::Object(members) if matches!(self.at, At::Xml(_)) => {
                match members.get(xml::TEXT).and_then(Value::as_str) {
                    Some(text) => self.quantity(text),
                    None => Err(self.not_a_number("an element without a text")),
                }
            }
            other => Err(self.not_a_number(type_name(other))),
        }
    }

    fn quantity(&self, text: &str) -> Result<f64, Absence> {
        let quantity: Result<Quantity, _> = text.trim().parse();
        quantity.map(Quantity::approximate).map_err(|_| self.not_a_number("a string that is no quantity"))
    }

    fn finite(&self, number: Option<f64>) -> Result<f64, Absence> {
        let number = number.ok_or_else(|| self.not_a_number("something else"))?;
        if number.is_finite() {
            return Ok(number);
        }
        Err(absent(AbsenceReason::NotFinite, format!("the number at {} is not finite", self.spelling)))
    }

    fn missing(&self, outline: &str) -> Absence {
        let message = format!("the response has nothing at {}{outline}", self.spelling);
        absent(AbsenceReason::ValueMissing, message)
    }

    fn not_a_number(&self, kind: &str) -> Absence {
        let message = format!("the value at {} is {kind}, not a number", self.spelling);
        absent(AbsenceReason::NotANumber, message)
    }
}

fn not(format: &str) -> Absence {
    absent(AbsenceReason::Malformed, format!("the response is not {format}"))
}

fn absent(reason: AbsenceReason, message: String) -> Absence {
    Absence { reason, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Format, location: &str, text: &str) -> Result<f64, AbsenceReason> {
        let place = Place::of_location(format, location).unwrap();
        place.number(&Body::of("", text)).map_err(|absence| absence.reason)
    }

    #[test]
    fn the_number_is_found_in_every_format() {
        use AbsenceReason::{Malformed, NotANumber, NotFinite, ValueMissing};
        let json = r#"{"a": {"n": 1.5, "q": "1k", "m": "250m", "b": "1Ki", "s": "x", "l": [1, 2], "t": true, "z": null}}"#;
        let yaml = "a:\n  n: 1.5\n  q: 1k\n  l:\n    - v: 3\n    - v: 4\n  s: x\n";
        let xml = "<r><a><n>1.5</n><q unit='k'>1k</q><l><v>3</v></l><l><v>4</v></l><s>x</s></a></r>";
        let text = "# TYPE n gauge\nn{a=\"b\"} 1.5\nn{a=\"c\"} 2\nnone NaN\nbad x\n";
        for (format, text, location, expected) in [
            (Format::Json, json, "a.n", Ok(1.5)),
            (Format::Json, json, "a.q", Ok(1000.0)),
            (Format::Json, json, "a.m", Ok(0.25)),
            (Format::Json, json, "a.b", Ok(1024.0)),
            (Format::Json, json, "a.l.#", Ok(2.0)),
            (Format::Json, json, "a.l.1", Ok(2.0)),
            (Format::Json, json, "a.l.#(>1)#|0", Ok(2.0)),
            (Format::Json, json, "*.n", Ok(1.5)),
            (Format::Json, json, "a.l.#(>1)#", Err(NotANumber)),
            (Format::Json, json, "a.l", Err(NotANumber)),
            (Format::Json, json, "a.s", Err(NotANumber)),
            (Format::Json, json, "a.t", Err(NotANumber)),
            (Format::Json, json, "a.z", Err(NotANumber)),
            (Format::Json, json, "a.x", Err(ValueMissing)),
            (Format::Json, "<html>", "a.n", Err(Malformed)),
            (Format::Yaml, yaml, "a.n", Ok(1.5)),
            (Format::Yaml, yaml, "a.q", Ok(1000.0)),
            (Format::Yaml, yaml, "a.l.1.v", Ok(4.0)),
            (Format::Yaml, yaml, "a.s", Err(NotANumber)),
            (Format::Yaml, yaml, "a.x", Err(ValueMissing)),
            (Format::Yaml, "a: [", "a", Err(Malformed)),
            (Format::Xml, xml, "a.n", Ok(1.5)),
            (Format::Xml, xml, "a.q", Ok(1000.0)),
            (Format::Xml, xml, "a.l.1.v", Ok(4.0)),
            (Format::Xml, xml, "a.l.#", Ok(2.0)),
            (Format::Xml, xml, "a.s", Err(NotANumber)),
            (Format::Xml, xml, "a", Err(NotANumber)),
            (Format::Xml, "{}", "a", Err(Malformed)),
            (Format::Prometheus, text, "n", Ok(1.5)),
            (Format::Prometheus, text, "n{a=\"c\"}", Ok(2.0)),
            (Format::Prometheus, text, "none", Err(NotFinite)),
            (Format::Prometheus, text, "bad", Err(NotANumber)),
            (Format::Prometheus, text, "x", Err(ValueMissing)),
        ] {
            assert_eq!(read(format, location, text), expected, "{format:?} {location}");
        }
    }

    /// Aliases of aliases would be gigabytes.
    #[test]
    fn a_yaml_that_grows_is_refused() {
        let lists =
            (1..40).map(|level| format!("l{level}: &l{level} [*l{0}, *l{0}, *l{0}, *l{0}]\n", level - 1));
        let text: String = std::iter::once("l0: &l0 [1, 1, 1, 1]\n".to_owned()).chain(lists).collect();
        assert_eq!(read(Format::Yaml, "l0.0", &text), Err(AbsenceReason::Malformed));
    }
}
