//! Columns of text, and words of others made harmless for a terminal.

use engine::one_line;

/// Characters of one message that are printed.
const LONGEST: usize = 2000;

/// Words of others, such as a metric server's, in one line and without what steers a terminal.
pub(super) fn plain(words: &str) -> String {
    one_line(words, LONGEST)
}

/// Rows in columns as wide as their widest cell; the last column is as wide as it comes.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| match column + 1 == row.len() {
            true => cell.clone(),
            false => format!("{cell:<width$}  ", width = width(column)),
        });
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
        let rows = [row(&["NAME", "READY", "WHY"]), row(&["größe", "True", ""]), row(&["a", "False", "x y"])];
        assert_eq!(columns(&rows), "NAME   READY  WHY\ngröße  True\na      False  x y\n");
        assert_eq!(plain("a\u{1b}[31m\nb"), "a [31m b");
    }
}
