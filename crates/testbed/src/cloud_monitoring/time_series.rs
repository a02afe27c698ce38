//! `projects.timeSeries.list`: the request's parameters, checked, and its pages.

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::aggregation::Aggregation;
use super::error;
use super::filter::{Filter, decoded};
use super::points::{Point, SeriesName, Store};
use crate::metric_server::Answer;

/// Points on a page, where the request does not say, and at most.
const MAX_PAGE_SIZE: usize = 100_000;

/// What a request asks for.
struct Parameters {
    filter: Filter,
    start: Timestamp,
    end: Timestamp,
    page_size: usize,
    /// Points that earlier pages had.
    skipped: usize,
    headers_only: bool,
    aggregation: Option<Aggregation>,
}

/// The project in the path of a GET, or that this is another method.
pub(super) fn project<'a>(method: &Method, path: &'a str) -> Option<&'a str> {
    let project = path.strip_prefix("/v3/projects/")?.strip_suffix("/timeSeries")?;
    (method == Method::GET && !project.is_empty() && !project.contains('/')).then_some(project)
}

impl Store {
    /// The answer to a request for the series of a project.
    pub(super) fn list(&self, project: &str, query: &str) -> Answer {
        match Parameters::parse(query) {
            Ok(parameters) => self.page(project, &parameters),
            Err(why) => error(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", &why),
        }
    }

    fn page(&self, project: &str, parameters: &Parameters) -> Answer {
        let within = |point: &&Point| point.end <= parameters.end && point.end >= parameters.start;
        let matching = self.in_scope(project).filter(|(name, _)| parameters.filter.matches(name));
        let all: Vec<(&SeriesName, &Point)> = matching
            .flat_map(|(name, points)| points.iter().filter(within).map(move |point| (name, point)))
            .collect();
        if let Some(aggregation) = &parameters.aggregation {
            return Answer::json(&aggregation.of(&all, parameters.end));
        }
        let page: Vec<_> = all.iter().skip(parameters.skipped).take(parameters.page_size).collect();
        let mut series: Vec<(&SeriesName, Vec<&Point>)> = Vec::new();
        for (name, point) in &page {
            match series.last_mut() {
                Some((last, points)) if last == name => points.push(point),
                _ => series.push((name, vec![point])),
            }
        }
        let shown = |points: &Vec<_>| if parameters.headers_only { 0 } else { points.len() };
        let series: Vec<Value> =
            series.iter().map(|(name, points)| name.to_json(&points[..shown(points)])).collect();
        let mut body = json!({ "unit": "1" });
        if !series.is_empty() {
            body["timeSeries"] = series.into();
        }
        let reached = parameters.skipped + page.len();
        if reached < all.len() {
            body["nextPageToken"] = page_token(reached).into();
        }
        Answer::json(&body)
    }
}

fn page_token(reached: usize) -> String {
    format!("page+{reached}/=")
}

impl Parameters {
    fn parse(query: &str) -> Result<Self, String> {
        let (mut filter, mut start, mut end) = (None, None, None);
        let (mut page_size, mut skipped, mut headers_only) = (MAX_PAGE_SIZE, 0, false);
        let mut aggregation = Vec::new();
        for (name, value) in decoded(query) {
            let wrong = || format!("{name} has no valid value: {value}");
            match name.as_str() {
                "filter" => filter = Some(Filter::parse(&value)?),
                "interval.startTime" => start = Some(value.parse::<Timestamp>().map_err(|_| wrong())?),
                "interval.endTime" => end = Some(value.parse::<Timestamp>().map_err(|_| wrong())?),
                "pageSize" => {
                    let size: usize = value.parse().map_err(|_| wrong())?;
                    page_size = if size == 0 { MAX_PAGE_SIZE } else { size.min(MAX_PAGE_SIZE) };
                }
                "pageToken" => {
                    let inner = value.strip_prefix("page+").and_then(|rest| rest.strip_suffix("/="));
                    skipped = inner.and_then(|inner| inner.parse().ok()).ok_or_else(wrong)?;
                }
                "view" => match value.as_str() {
                    "FULL" => {}
                    "HEADERS" => headers_only = true,
                    _ => return Err(wrong()),
                },
                name if name.starts_with("aggregation.") => aggregation.push((name.to_owned(), value)),
                "alt" if value == "json" => {}
                other => return Err(format!("unknown name {other}: this server has no such parameter")),
            }
        }
        let filter = filter.ok_or("filter is missing")?;
        let end = end.ok_or("interval.endTime is missing")?;
        let start = start.unwrap_or(end);
        if start > end {
            return Err("interval.startTime is later than interval.endTime".into());
        }
        let aggregation = Aggregation::parse(&aggregation)?;
        Ok(Self { filter, start, end, page_size, skipped, headers_only, aggregation })
    }
}
