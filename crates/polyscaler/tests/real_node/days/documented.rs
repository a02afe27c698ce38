//! What docs/incidents.md says of each day. It is what the tests see, so the page cannot say anything else.

use crate::packaging::read;

const PAGE: &str = "docs/incidents.md";

/// Between all others; and what comes of a machine that stands still for seconds: an answer that is late, and fewer than the two
/// scrapes that a rate needs.
const ALWAYS: [&str; 3] = ["Ready", "MetricTimeout", "MetricValueMissing"];

/// The row of the page on something that happens.
pub(super) struct Row {
    what: String,
    /// What is set like code in it: reasons of condition Ready, and words of the log.
    quoted: Vec<String>,
}

impl Row {
    /// The row whose first cell is `what`. It must say that replicas stay, as that is what is tested.
    pub(super) fn of(what: &str) -> Self {
        let page = read(PAGE);
        let cells = |line: &str| -> Vec<String> {
            line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let row = page.lines().filter(|line| line.starts_with('|')).map(cells).find(|row| row[0] == what);
        let row = row.unwrap_or_else(|| panic!("{PAGE} has no row {what:?}"));
        assert!(row[1].starts_with("stay"), "{what}: {}", row[1]);
        let quoted = row[2].split('`').skip(1).step_by(2).map(str::to_owned).collect();
        Self { what: what.to_owned(), quoted }
    }

    /// Words that lines of the log have.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.quoted.iter().map(String::as_str).filter(|word| word.starts_with(char::is_lowercase))
    }

    /// Compares the reasons that condition Ready had with those of the page: none but those, and at least one of them.
    pub(super) fn compare(&self, seen: &[String]) {
        let (what, quoted) = (&self.what, &self.quoted);
        for reason in seen.iter().filter(|reason| !ALWAYS.contains(&reason.as_str())) {
            assert!(quoted.contains(reason), "{what}: {reason} was seen, {PAGE} has {quoted:?}");
        }
        let mut reasons = quoted.iter().filter(|word| word.starts_with(char::is_uppercase));
        assert!(reasons.any(|reason| seen.contains(reason)), "{what}: {seen:?} were seen, of {quoted:?}");
    }
}
