//! The README's section, so that no number in it is typed by hand.

use std::fs;
use std::path::Path;

use crate::Error;

const BEGIN: &str = "<!-- measured: written by bulla-peers report -->";
const END: &str = "<!-- /measured -->";

/// Where the plot is kept, from the README's folder.
const PLOT: &str = "benches/peers/plot.svg";

/// Puts the section between the file's two markers, and the plot where the section shows it.
pub(super) fn insert(readme: &Path, section: &str, plot: &str) -> Result<(), Error> {
    let text = fs::read_to_string(readme)?;
    let picture = format!("![calls a second of Bulla and its peers]({PLOT})\n");
    let replaced = replace(&text, &format!("{picture}\n{section}"))?;
    fs::write(readme.parent().unwrap_or(Path::new("")).join(PLOT), plot)?;
    Ok(fs::write(readme, replaced)?)
}

fn replace(text: &str, section: &str) -> Result<String, Error> {
    let missing = || format!("the file has no lines {BEGIN} and {END}");
    let (before, rest) = text.split_once(BEGIN).ok_or_else(missing)?;
    let (_, after) = rest.split_once(END).ok_or_else(missing)?;
    Ok(format!("{before}{BEGIN}\n\n{section}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_the_markers_is_replaced() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let once = replace(&text, "new").expect("the markers are there");
        assert_eq!(once, format!("a\n{BEGIN}\n\nnew\n{END}\nb\n"));
        assert_eq!(replace(&once, "new").expect("still there"), once);
        assert!(replace("no markers", "new").is_err());
    }
}
