//! The messages of `proto/externalscaler/externalscaler.proto`, by hand, so that a build needs no `protoc`. A test reads
//! the file and holds every field against it.

use std::collections::BTreeMap;

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScaledObjectRef {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) namespace: String,
    #[prost(btree_map = "string, string", tag = "3")]
    pub(super) scaler_metadata: BTreeMap<String, String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct IsActiveResponse {
    #[prost(bool, tag = "1")]
    pub(super) result: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetMetricSpecResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) metric_specs: Vec<MetricSpec>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricSpec {
    #[prost(string, tag = "1")]
    pub(super) metric_name: String,
    #[prost(int64, tag = "2")]
    pub(super) target_size: i64,
    #[prost(double, tag = "3")]
    pub(super) target_size_float: f64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetMetricsRequest {
    #[prost(message, optional, tag = "1")]
    pub(super) scaled_object_ref: Option<ScaledObjectRef>,
    #[prost(string, tag = "2")]
    pub(super) metric_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetMetricsResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) metric_values: Vec<MetricValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct MetricValue {
    #[prost(string, tag = "1")]
    pub(super) metric_name: String,
    #[prost(int64, tag = "2")]
    pub(super) metric_value: i64,
    #[prost(double, tag = "3")]
    pub(super) metric_value_float: f64,
}

impl MetricSpec {
    /// What is aimed for.
    pub(super) fn target(&self) -> f64 {
        float_or_whole(self.target_size_float, self.target_size)
    }
}

impl MetricValue {
    /// The value.
    pub(super) fn value(&self) -> f64 {
        float_or_whole(self.metric_value_float, self.metric_value)
    }
}

/// A float counts where it is above 0: scalers without one send 0. What is not finite is left for whoever reads it to
/// refuse.
fn float_or_whole(float: f64, whole: i64) -> f64 {
    // Exact up to 9 * 10^15.
    if float > 0.0 || float.is_nan() { float } else { whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contract_6_10_a_float_counts_where_it_is_above_zero() {
        let value = |metric_value, metric_value_float| {
            MetricValue { metric_name: String::new(), metric_value, metric_value_float }.value()
        };
        assert_eq!((value(7, 0.0), value(7, 2.5), value(7, -2.5), value(-7, 0.0)), (7.0, 2.5, 7.0, -7.0));
        assert!(value(7, f64::NAN).is_nan());
        let spec = MetricSpec { metric_name: String::new(), target_size: 5, target_size_float: 0.5 };
        assert_eq!(spec.target(), 0.5);
    }

    /// Type, name and number of each field of each message, in order.
    fn fields(text: &str, field: impl Fn(&str, &str) -> Option<String>) -> BTreeMap<String, Vec<String>> {
        let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (mut message, mut before) = (String::new(), String::new());
        for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
            let begin = line.strip_prefix("message ").or(line.strip_prefix("pub(super) struct "));
            if let Some(name) = begin {
                message = name.trim_end_matches(" {").to_owned();
            } else if let Some(found) = field(&before, line).filter(|_| !message.is_empty()) {
                fields.entry(message.clone()).or_default().push(found);
            }
            line.clone_into(&mut before);
        }
        fields
    }

    /// `metricSpecs` as Rust has it.
    fn snake(name: &str) -> String {
        let letter = |letter: char| match letter.is_ascii_uppercase() {
            true => format!("_{}", letter.to_ascii_lowercase()),
            false => letter.to_string(),
        };
        name.chars().map(letter).collect()
    }

    #[test]
    fn contract_6_10_the_messages_are_those_of_the_interface() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proto/externalscaler/externalscaler.proto");
        let published = fields(&std::fs::read_to_string(path).unwrap(), |_, line| {
            let (field, number) = line.strip_suffix(';')?.split_once(" = ")?;
            let (kind, name) = field.rsplit_once(' ')?;
            let kind =
                kind.strip_prefix("repeated ").map_or(kind.to_owned(), |kind| format!("repeated {kind}"));
            let kind = if kind == "map<string, string>" { "map".to_owned() } else { kind };
            Some(format!("{kind} {} = {number}", snake(name)))
        });
        let ours =
            fields(include_str!("message.rs").split("#[cfg(test)]").next().unwrap(), |before, line| {
                let attribute = before.strip_prefix("#[prost(")?.trim_end_matches(")]");
                let (kind, number) = attribute.rsplit_once(", tag = ")?;
                let (name, type_) = line.strip_prefix("pub(super) ")?.split_once(": ")?;
                let inner = type_.rsplit('<').next()?.trim_end_matches([',', '>']);
                let kind = match kind {
                    "message, optional" => inner.to_owned(),
                    "message, repeated" => format!("repeated {inner}"),
                    "btree_map = \"string, string\"" => "map".to_owned(),
                    scalar => scalar.to_owned(),
                };
                Some(format!("{kind} {name} = {}", number.trim_matches('"')))
            });
        assert_eq!(published.len(), 7);
        assert_eq!(published, ours);
    }
}
