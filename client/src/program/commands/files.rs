//! `bulla files`: which files there are.

use bulla_core::text::escape;
use clap::Args;
use indicatif::BinaryBytes;

use crate::files::FileInfo;
use crate::program::cli::Options;
use crate::program::connect::connect;
use crate::program::exit::Failure;
use crate::program::shell::Shell;

/// The most files in one table: its columns are as wide as the widest of them.
const TABLE: usize = 1000;

const EXAMPLES: &str = "\
Examples:
  bulla files                   all of them
  bulla files reports           those in a folder, and in folders in it
  bulla files 'reports/*.pdf'   * and ? stand for characters of one segment
  bulla files '**/*.pdf'        ** stands for any number of folders
  bulla files | cut -f1         the names; size and time are the next columns
  bulla files -0 'old/**' | xargs -0r bulla remove";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Which files [default: all]
    #[arg(value_name = "PATTERN")]
    pattern: Option<String>,
    /// The names alone, with a NUL behind each, for xargs -0
    #[arg(short = '0', long, conflicts_with = "json")]
    null: bool,
}

pub(crate) fn run(arguments: &Arguments, options: &Options, shell: &mut Shell<'_, '_>) -> Result<(), Failure> {
    let client = connect(options)?;
    let mut files = client.files().list(arguments.pattern.as_deref());
    if arguments.null {
        for file in files {
            shell.write(escape(&file?.name, 4096).as_bytes())?;
            shell.write(b"\0")?;
        }
    } else if shell.json {
        files.try_for_each(|file| shell.json_line(&file?))?;
    } else if shell.is_for_people() {
        show_tables(files, shell)?;
    } else {
        for file in files {
            let FileInfo { name, size, modified } = file?;
            // A server of another make may know no rule for names.
            shell.line(format_args!("{}\t{size}\t{}", escape(&name, 4096), escape(&modified, 40)))?;
        }
    }
    client.close();
    Ok(())
}

fn show_tables(
    mut files: impl Iterator<Item = Result<FileInfo, crate::CallError>>,
    shell: &mut Shell<'_, '_>,
) -> Result<(), Failure> {
    let (mut count, mut bytes) = (0, 0_u64);
    loop {
        let page = files.by_ref().take(TABLE).collect::<Result<Vec<_>, _>>()?;
        if page.is_empty() {
            break;
        }
        let mut table = shell.table(&["file", "size", "modified"]);
        for FileInfo { name, size, modified } in page {
            (count, bytes) = (count + 1, bytes.saturating_add(size));
            table.add_row([escape(&name, 1024), BinaryBytes(size).to_string(), escape(&modified, 40)]);
        }
        shell.line(table)?;
    }
    shell.note(match count {
        0 => "no files".to_owned(),
        1 => "1 file".to_owned(),
        _ => format!("{count} files, {}", BinaryBytes(bytes)),
    });
    Ok(())
}
