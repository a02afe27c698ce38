//! Reads the walk-through as a person does: the path of a file, then what to write into it.

use std::collections::BTreeMap;
use std::path::Path;

/// A fenced block and the file that the line before it names.
struct Block {
    file: Option<String>,
    language: String,
    text: String,
}

/// The page's blocks, in order.
pub(crate) struct Page {
    blocks: Vec<Block>,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let mut blocks = Vec::new();
        let mut file = None;
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(language) = line.strip_prefix("```") {
                let block = lines.by_ref().take_while(|line| *line != "```");
                let text = block.map(|line| format!("{line}\n")).collect();
                blocks.push(Block { file: file.take(), language: language.to_owned(), text });
            } else if !line.is_empty() {
                file = line.strip_prefix('`').and_then(|rest| rest.strip_suffix("`:")).map(str::to_owned);
            }
        }
        Self { blocks }
    }

    /// The files as they are once the page has been followed in the workspace at `root`.
    pub(crate) fn files(&self, root: &Path) -> BTreeMap<String, String> {
        let mut files = BTreeMap::new();
        for block in &self.blocks {
            let Some(file) = &block.file else { continue };
            let text = if block.language == "diff" {
                let before = files.remove(file);
                let before = before.unwrap_or_else(|| std::fs::read_to_string(root.join(file)).unwrap());
                changed(file, &before, &block.text)
            } else {
                assert!(!root.join(file).exists(), "{file} is there already");
                block.text.clone()
            };
            files.insert(file.clone(), text);
        }
        files
    }

    /// How many tests its code has.
    pub(crate) fn tests(&self) -> usize {
        let tests = |block: &Block| ["#[test]", "#[tokio::test"].map(|mark| block.text.matches(mark).count());
        self.blocks.iter().flat_map(tests).sum()
    }

    /// The names of the sources and policies that are added, by the files' first lines.
    pub(crate) fn plugins(&self) -> Vec<&str> {
        let is_plugin = |block: &&Block| {
            let folders = ["crates/sources/src/", "crates/engine/src/"];
            let file = block.file.as_deref().unwrap_or_default();
            block.language == "rust" && folders.iter().any(|folder| file.starts_with(folder))
        };
        let code = self.blocks.iter().filter(is_plugin);
        let names = code.map(|block| block.text.split('`').nth(1).expect("a name in the first line"));
        let names: Vec<&str> = names.collect();
        assert_eq!(names.len(), 2, "{names:?}");
        names
    }

    /// What follows `start` in each line of a block in `language` that begins with it.
    pub(crate) fn lines_of<'a>(&'a self, language: &'a str, start: &'a str) -> impl Iterator<Item = &'a str> {
        let blocks = self.blocks.iter().filter(move |block| block.language == language);
        blocks.flat_map(|block| block.text.lines()).filter_map(move |line| line.strip_prefix(start))
    }

    /// Commands typed on a terminal, and what each prints.
    pub(crate) fn session(&self) -> Vec<(String, String)> {
        let mut session: Vec<(String, String)> = Vec::new();
        for block in self.blocks.iter().filter(|block| block.language == "console") {
            for line in block.text.lines() {
                match (line.strip_prefix("$ "), session.last_mut()) {
                    (Some(command), _) => session.push((command.to_owned(), String::new())),
                    (None, Some((_, printed))) => printed.extend([line, "\n"]),
                    (None, None) => panic!("{line:?} comes before any command"),
                }
            }
        }
        session
    }
}

/// `text` with the line that a diff adds, or puts in place of another, at a place that must be there once.
fn changed(file: &str, text: &str, diff: &str) -> String {
    let side = |of: char| -> String {
        let lines = diff.lines().filter(|line| line.starts_with([' ', of]));
        "\n".to_owned() + &lines.map(|line| format!("{}\n", &line[1..])).collect::<String>()
    };
    let [added, removed, kept] =
        ['+', '-', ' '].map(|mark| diff.lines().filter(|line| line.starts_with(mark)).count());
    let is_a_line = added == 1 && removed <= 1 && added + removed + kept == diff.lines().count();
    assert!(is_a_line, "{file}: one line is added or changed, not:\n{diff}");
    let (before, after) = (side('-'), side('+'));
    assert_eq!(text.matches(&before).count(), 1, "{file} must have these lines once:{before}");
    text.replace(&before, &after)
}
