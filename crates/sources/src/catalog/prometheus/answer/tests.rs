use serde_json::{Value, json};

use super::*;

fn read(status: u16, body: &str, aggregate: Aggregate) -> Result<f64, (AbsenceReason, String)> {
    let status = StatusCode::from_u16(status).unwrap();
    let number = number(status, &Body::of("application/json", body), aggregate, false, &Hidden::default());
    number.map(|number| number.value).map_err(|absence| (absence.reason, absence.message))
}

fn vector(values: &[&str]) -> Value {
    let samples = values.iter().map(|value| json!({"metric": {"a": value}, "value": [1700000000.5, value]}));
    let result: Vec<Value> = samples.collect();
    json!({"status": "success", "data": {"resultType": "vector", "result": result}})
}

#[test]
fn contract_6_1_nothing_counts_as_zero_where_that_is_asked_for() {
    for (values, aggregate, expected) in [
        (&[][..], Aggregate::Only, Ok(0.0)),
        (&["NaN"], Aggregate::Only, Ok(0.0)),
        (&["-Inf", "2"], Aggregate::Sum, Ok(2.0)),
        (&["1", "2"], Aggregate::Only, Err(AbsenceReason::ValueAmbiguous)),
        (&["x"], Aggregate::Only, Err(AbsenceReason::NotANumber)),
    ] {
        let body = Body::of("", vector(values).to_string());
        let found = number(StatusCode::OK, &body, aggregate, true, &Hidden::default());
        assert_eq!(found.map(|found| found.value).map_err(|absence| absence.reason), expected, "{values:?}");
    }
    let scalar = json!({"status": "success", "data": {"resultType": "scalar", "result": [1, "+Inf"]}});
    let body = Body::of("", scalar.to_string());
    let found = number(StatusCode::OK, &body, Aggregate::Sum, true, &Hidden::default()).unwrap();
    assert_eq!(found.value, 0.0);
}

#[test]
fn several_series_come_to_what_is_asked_for() {
    for (values, sum, max, avg) in [
        (&["3"][..], 3.0, 3.0, 3.0),
        (&["1", "2.5", "1e2"], 103.5, 100.0, 34.5),
        (&["-4", "-2"], -6.0, -2.0, -3.0),
        (&["0"], 0.0, 0.0, 0.0),
    ] {
        let body = vector(values).to_string();
        for (aggregate, expected) in [(Aggregate::Sum, sum), (Aggregate::Max, max), (Aggregate::Avg, avg)] {
            assert_eq!(read(200, &body, aggregate), Ok(expected), "{aggregate:?} of {values:?}");
        }
        assert_eq!(read(200, &body, Aggregate::Only).is_ok(), values.len() == 1);
    }
    let (reason, message) = read(200, &vector(&["1", "2"]).to_string(), Aggregate::Only).unwrap_err();
    assert_eq!(reason, AbsenceReason::ValueAmbiguous);
    assert!(message.starts_with("the query returns 2 series, not one; "), "{message}");
}

#[test]
fn the_time_is_that_of_the_oldest_sample() {
    let sample = |at: f64| json!({"metric": {}, "value": [at, "1"]});
    let mut body = vector(&[]);
    body["data"]["result"] = json!([sample(1700000001.25), sample(1700000000.5), sample(1700000002.0)]);
    let number =
        number(StatusCode::OK, &Body::of("", body.to_string()), Aggregate::Sum, false, &Hidden::default())
            .unwrap();
    assert_eq!(number, Number { value: 3.0, at: Some(Time::from_millis(1_700_000_000_500)) });
    for no_time in [json!(-5), json!(1e300)] {
        let body = json!({"status": "success", "data": {"resultType": "scalar", "result": [no_time, "7"]}});
        let number = super::number(
            StatusCode::OK,
            &Body::of("", body.to_string()),
            Aggregate::Sum,
            false,
            &Hidden::default(),
        )
        .unwrap();
        assert_eq!(number, Number { value: 7.0, at: None });
    }
}

#[test]
fn whatever_is_not_one_finite_number_is_a_named_absence() {
    use AbsenceReason::{BadStatus, Malformed, NotANumber, NotFinite, Partial, ValueMissing};
    let data = |data: Value| json!({"status": "success", "data": data}).to_string();
    let warned = |warning: &str| {
        let mut body = vector(&["1"]);
        body["warnings"] = json!([warning]);
        body.to_string()
    };
    let mut partial = vector(&["1"]);
    partial["isPartial"] = json!(true);
    for (status, body, reason, words) in [
        (200, vector(&[]).to_string(), ValueMissing, "returns no series; if that means 0, add `or \
             vector(0)`"),
        (200, vector(&["NaN"]).to_string(), NotFinite, "the query returns NaN"),
        (200, vector(&["+Inf"]).to_string(), NotFinite, "the query returns inf"),
        (200, vector(&["1", "-Inf"]).to_string(), NotFinite, "one of 2 series of the query is -inf"),
        (200, vector(&["1", "NaN", "2"]).to_string(), NotFinite, "one of 3 series of the query is NaN"),
        (200, vector(&["one"]).to_string(), NotANumber, "the query returns one, which is not a number"),
        (200, vector(&[""]).to_string(), NotANumber, "which is not a number"),
        (200, data(json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "1"]]}]})), NotANumber, "values over time"),
        (200, data(json!({"resultType": "string", "result": [1, "a"]})), NotANumber, "returns a string"),
        (200, data(json!({"resultType": "vector", "result": [{"metric": {}, "histogram": [1, {}]}]})), NotANumber, "histograms"),
        (200, data(json!({"resultType": "tensor", "result": []})), Malformed, "not that of Prometheus' HTTP API"),
        (200, data(json!({"resultType": "vector", "result": [{"value": ["1", 1]}]})), Malformed, "not that of Prometheus' HTTP API"),
        (200, data(json!(null)), Malformed, "no data"),
        (200, json!({"status": "success"}).to_string(), Malformed, "no data"),
        (200, json!({"active_users": 3}).to_string(), Malformed, "not that of Prometheus' HTTP API"),
        (200, json!({"status": "error", "errorType": "timeout", "error": "too slow"}).to_string(), BadStatus, "it reports a failure: timeout: too slow"),
        (200, String::new(), Malformed, "the response is empty"),
        (200, "<html>".to_owned(), Malformed, "the response is HTML or XML"),
        (200, vector(&["1"]).to_string()[..60].to_owned(), Malformed, "the response is not JSON: EOF"),
        (200, warned("store a is away"), Partial, "may be incomplete, as it has the warning: store a is \
             away"),
        (200, warned("PromQL warning: encountered a mix of histograms and floats"), Partial, "a mix of"),
        (200, partial.to_string(), Partial, "may be incomplete, as the server reports isPartial"),
        (
            400,
            json!({"status": "error", "errorType": "bad_data", "error": "invalid parameter\n \"query\":\u{7} 1:2: parse error"}).to_string(),
            BadStatus,
            "it answered with status 400: bad_data: invalid parameter \"query\": 1:2: parse error",
        ),
        (503, "<html>secret</html>".to_owned(), BadStatus, "it answered with status 503"),
        (401, json!({"message": "secret"}).to_string(), BadStatus, "it answered with status 401"),
    ] {
        let (found, message) = read(status, &body, Aggregate::Sum).unwrap_err();
        assert_eq!(found, reason, "{body}: {message}");
        assert!(message.contains(words) && !message.contains("secret"), "{body}: {message}");
    }
}

#[test]
fn a_sum_beyond_a_float_is_no_number_for_the_reading() {
    let number = read(200, &vector(&["1.7e308", "1.7e308"]).to_string(), Aggregate::Sum).unwrap();
    assert!(matches!(engine::Reading::of(number, Time::default()), engine::Reading::Absent(_)));
}

#[test]
fn notes_about_the_query_do_not_matter() {
    for note in ["infos", "warnings"] {
        let mut body = vector(&["4"]);
        body[note] = json!(["PromQL info: metric might not be a counter, name does not end in _total"]);
        assert_eq!(read(200, &body.to_string(), Aggregate::Sum), Ok(4.0), "{note}");
    }
    let mut body = vector(&["4"]);
    body["warnings"] = Value::Null;
    body["isPartial"] = json!(false);
    body["stats"] = json!({"samples": 1});
    body["data"]["stats"] = json!({"samples": 1});
    assert_eq!(read(200, &body.to_string(), Aggregate::Sum), Ok(4.0));
}

#[test]
fn what_a_server_says_is_reported_in_a_short_line() {
    let long = json!({"status": "error", "errorType": "execution", "error": "ä".repeat(5000)}).to_string();
    let (_, message) = read(422, &long, Aggregate::Sum).unwrap_err();
    assert_eq!(message, format!("it answered with status 422: execution: {}…", "ä".repeat(200)));
}
