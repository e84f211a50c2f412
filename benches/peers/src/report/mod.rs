//! What a run came to: tables in Markdown, a plot in SVG, and the README's section.

mod aims;
mod criterion;
mod machine;
mod plot;
mod readme;
mod results;
mod tables;

use std::fs;

pub(crate) use self::machine::Machine;
use self::results::Results;
use crate::Error;
use crate::cli::Report;

/// Writes report and plot into the folder of the run, and the README's section if that is asked for.
pub(crate) fn run(options: &Report) -> Result<(), Error> {
    let results = Results::read(&options.out)?;
    let section = section(&results, options)?;
    let report = format!("# Bulla and its peers\n\n{section}\n{}", tables::details(&results));
    let (page, picture) = (options.out.join("report.md"), options.out.join("plot.svg"));
    let plot = plot::draw(&results);
    fs::write(&page, report)?;
    fs::write(&picture, &plot)?;
    println!("wrote {} and {}", page.display(), picture.display());
    if let Some(readme) = &options.readme {
        readme::insert(readme, &section, &plot)?;
        println!("wrote the section into {}", readme.display());
    }
    Ok(())
}

/// What the README shows: what was aimed at, and behind a click all the rest.
fn section(results: &Results, options: &Report) -> Result<String, Error> {
    let mut text = format!("{}\n{}", results.caption(), aims::table(results));
    text.push_str(&criterion::aims(&options.criterion)?);
    text.push_str("\n<details><summary>All peers, seal and codecs</summary>\n");
    for part in [tables::rates(results), tables::bulk(results), tables::idle(results)] {
        text.push('\n');
        text.push_str(&part);
    }
    text.push_str(&criterion::tables(&options.criterion)?);
    text.push_str(&tables::legend(results));
    text.push_str("\n</details>\n");
    Ok(text)
}
